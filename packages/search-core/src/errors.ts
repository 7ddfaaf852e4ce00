/** Every error of search-core. Messages say what was given, what was expected and how to mend it. */

export class SearchCoreError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** A budget that cannot be read. */
export class BudgetError extends SearchCoreError {}

/** A budget that no scheme of this method can meet. */
export class BudgetImpossible extends SearchCoreError {}

/** A configuration with an unknown or ill-typed key. */
export class ConfigError extends SearchCoreError {}

/** The loss left the numbers. */
export class TrainingDiverged extends SearchCoreError {}

/** The error of a loss that is no number: `what` was training, and noticed at `step`. */
export const diverged = (what: string, loss: number, step: number): TrainingDiverged =>
  new TrainingDiverged(
    `${what}: the loss is ${loss} at step ${step}; lower the learning rate or look for broken rows.`,
  );

/** The user asked to stop; a checkpoint was written if there is a run folder. */
export class Interrupted extends SearchCoreError {}

/** A run folder that is half written, of another run, or in the way. */
export class RunFolderError extends SearchCoreError {}
