/** Every error of export. Messages say what was given, what was expected and how to mend it. */

export class ExportError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** A folder that is not an exported model, is damaged, or was altered since. */
export class ExportFolderError extends ExportError {}

/** What was reloaded does not score as the model that was written. The folder stays, under another name, to be looked at. */
export class SelfTestError extends ExportError {}

/** onnxruntime is not installed, or refuses a model or its inputs. */
export class OnnxRuntimeError extends ExportError {}

/** A raw row with a value that its field cannot have. */
export class RawRowError extends ExportError {}
