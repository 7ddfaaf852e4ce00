/** Every error of embeddings. Messages say what was given, what was expected and how to mend it. */

export class EmbeddingsError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Fields or dims that do not make a scheme, or a scheme that does not fit its use. */
export class SchemeError extends EmbeddingsError {}

/** A scheme file or JSON that is missing, torn or of an unknown kind. */
export class SchemeFormatError extends EmbeddingsError {}

/** Tables that do not fit each other, or a file that does not hold tables. */
export class TablesError extends EmbeddingsError {}

/** A chunk store that was asked for what it cannot do, or a file that does not hold the store it is read into. */
export class ChunkStoreError extends EmbeddingsError {}
