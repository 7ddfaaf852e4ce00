/** @trimtab/report: a comparison as one self-contained page, as CSV, as JSON, and in words. */
export { reportCsv, reportJson } from "./csv.ts";
export * from "./errors.ts";
export { reportHtml } from "./html.ts";
export type {
  FieldLine,
  Impossible,
  Judgement,
  MethodInfo,
  MethodKind,
  Point,
  Popularity,
  Provenance,
  Report,
  Shape,
  StabilityLine,
  Study,
  Unfinished,
} from "./model.ts";
export { type ReportOptions, readReport } from "./report.ts";
export { coreBaselines, judge, searchersIn, sentence, verdictLines } from "./words.ts";
