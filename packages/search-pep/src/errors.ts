/** Every error of search-pep. Messages say what was given, what was expected and how to mend it. */

export class PepError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The thresholds did not reach a budget within the steps they were given. */
export class BudgetNotReached extends PepError {}

/** A checkpoint of a search that cannot be read, or is of another search. */
export class PepCheckpointError extends PepError {}

/** Thresholds were asked for in a lookup that is not for training. */
export class LookupError extends PepError {}
