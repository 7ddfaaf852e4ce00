/** Every error of models. Messages say what was given, what was expected and how to mend it. */

export class ModelsError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** A model configuration with an unknown key, a wrong value, or settings that exclude each other. */
export class ModelConfigError extends ModelsError {}

/** A model that cannot be built from its configuration and scheme. */
export class ModelError extends ModelsError {}
