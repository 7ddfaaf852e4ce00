/** Every error of report. Messages say what was given, what was expected and how to mend it. */

export class ReportError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** None of the folders holds a finished training: there is nothing to draw yet. */
export class NothingToReport extends ReportError {}

/** The page's own script could not be bundled. */
export class PageError extends ReportError {}
