// @trimtab/eval: what a model is worth (metrics), what a run showed (result rows), and how people read it (tables).
export { auc } from "./auc.ts";
export {
  type Calibration,
  type CalibrationBin,
  type CalibrationOptions,
  calibration,
} from "./calibration.ts";
export type { Labels, Scores } from "./checks.ts";
export {
  BadLabelError,
  BadOptionError,
  BadResultRowError,
  BadScoreError,
  BadUserError,
  EvaluationError,
  LengthMismatchError,
  NoMixedUserError,
  NoRowsError,
  OneClassError,
  ResultsFileError,
} from "./errors.ts";
export { type EvaluateInput, evaluate } from "./evaluate.ts";
export {
  formatBytes,
  formatCount,
  formatRatio,
  formatSeconds,
  formatShare,
  formatTimeLeft,
} from "./format.ts";
export { logloss, loglossOfProbabilities, probabilitiesOf } from "./logloss.ts";
export { type Metrics, metricsSchema } from "./metrics.ts";
export { type PerUserAuc, perUserAuc } from "./per-user-auc.ts";
export {
  groupResults,
  type RenderResultsOptions,
  type ResultGroup,
  renderResults,
} from "./render-results.ts";
export { parseResultRow, type ResultRow, resultRowSchema, rowPlace } from "./result-row.ts";
export { appendResult, type ResultsProblem, type ResultsRead, readResults } from "./results-file.ts";
export {
  type Dims,
  dimAgreement,
  meanAbsLog2Ratio,
  rankCorrelation,
  type Stability,
  stability,
} from "./stability.ts";
export { formatAmount, formatSummary, type Summary, summarize } from "./summary.ts";
export { type Column, colorsAllowed, renderTable, type TableOptions } from "./table.ts";
