/** Errors of the study. Messages say what was given, what was expected and how to mend it. */

/** Something that whoever runs the study can mend. */
export class StudyError extends Error {
  constructor(message: string) {
    super(message);
    this.name = new.target.name;
  }
}
