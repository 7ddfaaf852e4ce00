/** Errors of this package. Messages say what was given, what was expected and how to mend it. */

export class FiitedError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** A checkpoint whose record of adjustments cannot be read. */
export class FiitedCheckpointError extends FiitedError {}
