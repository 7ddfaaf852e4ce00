/** @trimtab/report: a comparison as one self-contained page, as CSV, as JSON, and in words. */
export { acrossLines, acrossOf, signed } from "./across.ts";
export { type CsvPart, reportCsv, reportJson } from "./csv.ts";
export { droppedText } from "./dropped-section.ts";
export * from "./errors.ts";
export { type Frequencies, type Occurrences, readFrequencies } from "./frequency.ts";
export { reportHtml } from "./html.ts";
export { coreBaselines, judge, searchersIn, verdictLines } from "./judge.ts";
export { shippedLooks } from "./looks.ts";
export { placesText, together } from "./missing.ts";
export type {
  Across,
  Contest,
  ContestEntry,
  Curves,
  Failed,
  FieldLine,
  Impossible,
  Judgement,
  MethodInfo,
  MethodKind,
  Point,
  Provenance,
  Report,
  Shape,
  StabilityLine,
  Study,
  Tally,
  Unfinished,
} from "./model.ts";
export { inOrder, methodsIn } from "./order.ts";
export { plateauRemark } from "./plateaus.ts";
export { type ReportOptions, readReport } from "./report.ts";
export { ONE_SEED, sentence } from "./words.ts";
