// Every way a log, a schema or a dataset folder can be wrong, as a small named class.
// A message says where (file, line, column, value), what was expected, and how to mend it.

/** Where in the user's data something is wrong. Lines count from 1 and include the header line. */
export interface Place {
  file?: string;
  line?: number;
  /** Instead of a line in files that have none (Parquet); counts from 1. */
  row?: number;
  column?: string;
  value?: string;
}

function where(place: Place): string {
  const parts: string[] = [];
  if (place.file !== undefined) parts.push(place.file);
  if (place.line !== undefined) parts.push(`line ${place.line}`);
  if (place.row !== undefined) parts.push(`row ${place.row}`);
  if (place.column !== undefined) parts.push(`column "${place.column}"`);
  if (place.value !== undefined) parts.push(`value ${JSON.stringify(place.value.slice(0, 120))}`);
  return parts.join(", ");
}

/** The base of all errors of this package: the fault, its place, and the mend. */
export class DataError extends Error {
  override name = "DataError";
  constructor(
    readonly fault: string,
    readonly mend: string,
    readonly place: Place = {},
  ) {
    const at = where(place);
    super(`${at ? `${at}: ` : ""}${fault}. ${mend}`);
  }
}

/** A file or folder that was named does not exist or cannot be read. */
export class MissingFileError extends DataError {
  override name = "MissingFileError";
}
/** A file without a single data row. */
export class EmptyFileError extends DataError {
  override name = "EmptyFileError";
}
/** A row that cannot be read: wrong number of columns, an open quote, not UTF-8, a bad libsvm token. */
export class BrokenRowError extends DataError {
  override name = "BrokenRowError";
}
/** A label that is missing or, after its rule, neither 0 nor 1. */
export class LabelError extends DataError {
  override name = "LabelError";
}
/** A value a field cannot take: text or NaN in a numeric field, a bad time, a missing value where none may be. */
export class ValueError extends DataError {
  override name = "ValueError";
}
/** A schema that does not fit: unknown key, unknown column, bad rule, contradiction. */
export class SchemaError extends DataError {
  override name = "SchemaError";
}
/** A source for which there is neither a schema nor a recipe. */
export class UnknownSourceError extends DataError {
  override name = "UnknownSourceError";
}
/** A split (train, valid or test) without rows. */
export class EmptySplitError extends DataError {
  override name = "EmptySplitError";
}
/** A split in which every label is the same: nothing can be learned or ranked. */
export class OneClassError extends DataError {
  override name = "OneClassError";
}
/** The output folder is already there, or is not ours to replace. */
export class OutputExistsError extends DataError {
  override name = "OutputExistsError";
}
/** A dataset folder that is half written, altered, or of another version. */
export class DatasetFolderError extends DataError {
  override name = "DatasetFolderError";
}
/** An id at or above the number of rows of its field's table. */
export class IdRangeError extends DataError {
  override name = "IdRangeError";
}
/** Batch options that the data cannot meet, or a table layout that does not fit the fields. */
export class BatchError extends DataError {
  override name = "BatchError";
}
/** The batch worker died. */
export class WorkerError extends DataError {
  override name = "WorkerError";
}
/** Options of the generator that cannot be met. */
export class GenerateError extends DataError {
  override name = "GenerateError";
}
/** DuckDB ran out of memory or disk. */
export class ResourceError extends DataError {
  override name = "ResourceError";
}
/** The work was stopped by its AbortSignal; nothing half-written is left. */
export class StoppedError extends DataError {
  override name = "StoppedError";
}

/** The nearest name by edit distance, for "did you mean". */
export function nearest(name: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of names) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      bestDistance = distance;
      best = candidate;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(swap, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
