/** Every error of this package; the message says what was given, what was expected and how to mend it. */
export class EvaluationError extends Error {
  constructor(message: string) {
    super(message);
    this.name = new.target.name;
  }
}

/** Two columns that belong together have different lengths. */
export class LengthMismatchError extends EvaluationError {
  constructor(what: string, given: number, other: string, expected: number) {
    super(`${given} ${what} beside ${expected} ${other}: give one of each for every row.`);
  }
}

/** There is no row to measure. */
export class NoRowsError extends EvaluationError {
  constructor(metric: string) {
    super(`${metric} was given 0 rows, expected at least 1: check the split and its filters.`);
  }
}

/** A score, logit or probability is NaN, or outside the range the metric can use. `index` is its row. */
export class BadScoreError extends EvaluationError {
  constructor(
    kind: string,
    readonly index: number,
    readonly value: number,
    expected: string,
  ) {
    super(
      `${kind} at row ${index} is ${value}, expected ${expected}: the model diverged or the row was never ` +
        "scored; lower the learning rate or look at the row's inputs.",
    );
  }
}

/** A label is not 0 or 1. `index` is its row. */
export class BadLabelError extends EvaluationError {
  constructor(
    readonly index: number,
    readonly value: number,
  ) {
    super(
      `label at row ${index} is ${value}, expected 0 or 1: map the label column to clicks before scoring.`,
    );
  }
}

/** A user id is not a whole number from 0 up. `index` is its row. */
export class BadUserError extends EvaluationError {
  constructor(
    readonly index: number,
    readonly value: number,
  ) {
    super(
      `user at row ${index} is ${value}, expected a whole number from 0 up: give the ids of the user field.`,
    );
  }
}

/** All labels are equal, so no pair of a click and a non-click exists to rank. */
export class OneClassError extends EvaluationError {
  constructor(
    readonly label: 0 | 1,
    readonly rows: number,
  ) {
    super(
      `all ${rows} labels are ${label}, but AUC ranks clicks against non-clicks and needs both: ` +
        "use a larger or a shuffled split.",
    );
  }
}

/** No user has both a click and a non-click, so there is nothing to average. */
export class NoMixedUserError extends EvaluationError {
  constructor(readonly users: number) {
    super(
      `none of the ${users} users has both a click and a non-click, but per-user AUC needs at least one such ` +
        "user: use more rows a user, or report the global AUC alone.",
    );
  }
}

/** An option of a metric or of a summary is out of range. */
export class BadOptionError extends EvaluationError {
  constructor(name: string, given: unknown, expected: string) {
    super(`${name} is ${String(given)}, expected ${expected}.`);
  }
}

/** A result row does not fit the schema. */
export class BadResultRowError extends EvaluationError {
  constructor(place: string, problems: string) {
    super(
      `${place} does not fit the result-row schema: ${problems}. Mend the named keys, or write the row anew.`,
    );
  }
}

/** A results file cannot be opened. */
export class ResultsFileError extends EvaluationError {
  constructor(path: string, action: "read" | "append to", reason: string) {
    super(
      `cannot ${action} results file "${path}" (${reason}): check that the path exists and is a writable file.`,
    );
  }
}
