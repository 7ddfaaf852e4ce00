/** What went wrong, as a person reads it: one line, and an exit code. */

/** The command was used wrongly: exit code 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** Parts of a study failed; what they said has been printed, and the rest is done. */
export class StudyFailed extends Error {
  override name = "StudyFailed";
}

/**
 * Base classes of the errors whose message is written for people, by name: asking each package with `instanceof` would load
 * all of them, native libraries included, in order to say that an option is misspelt.
 */
const FOR_PEOPLE = new Set([
  "UsageError",
  "AdassError",
  "DataError",
  "EmbeddingsError",
  "EvaluationError",
  "ExportError",
  "FiitedError",
  "ModelsError",
  "PepError",
  "ReportError",
  "SearchCoreError",
  "StudyFailed",
  "TensorCoreError",
]);
/** Wrong use rather than a failure: what the user wrote cannot be read. */
const WRONG_USE = new Set(["UsageError", "ConfigError", "BudgetError", "ModelConfigError", "SchemaError"]);
/** The user stopped it. */
const STOPPED = new Set(["Interrupted", "StoppedError"]);

/** Names of an error's classes, its own first. */
function lineage(error: unknown): string[] {
  const names: string[] = [];
  for (let at = Object.getPrototypeOf(error); at; at = Object.getPrototypeOf(at)) {
    names.push((at.constructor as { name: string }).name);
  }
  return names;
}

const isOneOf = (error: unknown, names: ReadonlySet<string>) =>
  error instanceof Error && lineage(error).some((name) => names.has(name));

/** 1 failure, 2 wrong use, 130 interrupted. */
export function exitCodeOf(error: unknown): number {
  if (isOneOf(error, STOPPED)) return 130;
  return isOneOf(error, WRONG_USE) ? 2 : 1;
}

/** The device went away, or parts of a study failed, which its report tells: what was begun is to be resumed. */
export function isToGoOn(error: unknown): boolean {
  return isOneOf(error, new Set(["DeviceLost", "StudyFailed"]));
}

/** True for errors whose message says what was given, what was expected and how to mend it. */
export function isForPeople(error: unknown): error is Error {
  return isOneOf(error, FOR_PEOPLE) || isOfSystem(error);
}

/** A full disk, a folder that may not be written: the system's own sentence names the file. */
function isOfSystem(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && "syscall" in error && "code" in error && typeof error.code === "string";
}

const NOT_WRITABLE = "choose another place, or allow writing there";
const MENDS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full: free space where the output goes, or choose another place",
  EDQUOT: "the quota is used up: free space where the output goes, or choose another place",
  EROFS: NOT_WRITABLE,
  EACCES: NOT_WRITABLE,
  EPERM: NOT_WRITABLE,
  ENOTDIR: "a part of the path is a file, not a folder; choose another path",
  ENOENT: "check the path",
  EMFILE: "too many files are open; raise the limit (ulimit -n)",
};

/** What to do about a refusal of the system, as the end of its sentence. */
function mendOf({ code }: { readonly code: string }): string {
  const mend = MENDS[code];
  return mend === undefined ? "" : `; ${mend}.`;
}

/** The text for stderr, without a last line's end; with `debug` the stack and every cause. */
export function errorText(error: unknown, debug: boolean): string {
  const message = error instanceof Error ? error.message : String(error);
  const oneLine = `${message.trim()}${isOfSystem(error) ? mendOf(error) : ""}`;
  const lines = [
    isForPeople(error)
      ? `error: ${oneLine}`
      : `error: ${oneLine || "unknown"} (this is a bug in trimtab; run again with --debug for the stack, and report it)`,
  ];
  if (debug && error instanceof Error) {
    lines.push(error.stack ?? "(no stack)");
    for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
      lines.push(`caused by: ${cause.stack ?? cause.message}`);
    }
  }
  return lines.join("\n");
}
