/** Every error of search-adass. Messages say what was given, what was expected and how to mend it. */

export class AdassError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** A supernet that needs more bytes on the device than it may take. */
export class SupernetTooLarge extends AdassError {}

/** A checkpoint of a supernet or a search that cannot be read, or is of another one. */
export class AdassCheckpointError extends AdassError {}
