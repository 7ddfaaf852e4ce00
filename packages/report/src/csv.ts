/** A report as CSV: rows, what each field got and is worth, stability, several studies together. Exact numbers. */
import type { ResultRow } from "@trimtab/eval";
import type { FieldLine, Point, Report, StabilityLine, Study, Tally } from "./model.ts";

type Cell = string | number | boolean | null | undefined;

/** Columns of a table whose lines belong to a study. */
type Columns<Line> = readonly (readonly [title: string, value: (line: Line, study: Study) => Cell])[];

const STUDY: Columns<unknown> = [
  ["study", (_, study) => study.name],
  ["dataset", (_, study) => study.dataset],
  ["model", (_, study) => study.model],
];

const ROWS: Columns<ResultRow> = [
  ["dataset", (row) => row.dataset],
  ["dataset_hash", (row) => row.datasetHash],
  ["synthetic", (row) => row.synthetic],
  ["model", (row) => row.model],
  ["method", (row) => row.method],
  ["kind", (row, study) => study.methods.find(({ name }) => name === row.method)?.kind],
  ["budget", (row) => row.budget],
  ["seed", (row) => row.seeds.run],
  ["test_auc", (row) => row.metrics.test?.auc],
  ["test_logloss", (row) => row.metrics.test?.logloss],
  ["test_user_auc", (row) => row.metrics.test?.perUser?.auc],
  ["test_calibration_error", (row) => row.metrics.test?.calibration.ece],
  ["valid_auc", (row) => row.metrics.valid?.auc],
  ["valid_logloss", (row) => row.metrics.valid?.logloss],
  ["scheme", (row) => (typeof row.config.scheme === "string" ? row.config.scheme : null)],
  ["parameters", (row) => row.parameters],
  ["serve_bytes", (row) => row.bytes.serve],
  ["train_bytes", (row) => row.bytes.train],
  ["uniform_bytes", (row) => row.bytes.uniform],
  ["seconds_search", (row) => row.seconds.search],
  ["seconds_base", (row) => row.seconds.base],
  ["seconds_train", (row) => row.seconds.train],
  ["seconds_evaluate", (row) => row.seconds.evaluate],
  ["best_epoch", (row) => (typeof row.config.bestEpoch === "number" ? row.config.bestEpoch + 1 : null)],
  ["epochs", (row) => (typeof row.config.epochs === "number" ? row.config.epochs : null)],
  [
    "full_rate_epochs",
    (row) => (typeof row.config.fullRateEpochs === "number" ? row.config.fullRateEpochs : null),
  ],
  ["engine", (row) => row.engine],
  ["adapter", (row) => row.adapter],
  ["trimtab", (row) => row.versions.trimtab],
  ["date", (row) => row.date],
  ["command", (row) => row.command],
];

interface FieldAt {
  readonly field: FieldLine;
  readonly index: number;
  readonly point: Point;
}

const FIELDS: Columns<FieldAt> = [
  ...STUDY,
  ["field", ({ field }) => field.name],
  ["ids", ({ field }) => field.ids],
  ["rows_per_id", ({ field }) => field.occurrences],
  ["uniform_bytes", ({ field }) => field.bytes],
  ["share", ({ field }) => field.share],
  ["auc_lost_as_zeros", ({ field }) => field.dropCost?.mean],
  ["auc_lost_as_zeros_sd", ({ field }) => field.dropCost?.sd],
  ["saliency", ({ field }) => field.saliency],
  ["importance", ({ field }) => field.importance],
  ["method", ({ point }) => point.method],
  ["budget", ({ point }) => point.budget],
  ["seeds", ({ point }) => point.seeds.length],
  ["numbers_per_id", ({ point, index }) => point.shape.kept[index]],
  ["seeds_dropped", ({ point, index }) => point.shape.dropped[index]],
];

const STABILITY: Columns<StabilityLine> = [
  ...STUDY,
  ["method", (line) => line.method],
  ["budget", (line) => line.budget],
  ["seeds", (line) => line.runs],
  ["equal_dims", (line) => line.agreement],
  ["mean_abs_log2_ratio", (line) => line.meanAbsLog2Ratio],
  ["rank_correlation", (line) => line.rankCorrelation],
  ["numbers_shared", (line) => line.shared],
];

const TALLIES: readonly (readonly [title: string, value: (tally: Tally) => Cell])[] = [
  ["budget", ({ budget }) => budget],
  ["method", ({ method }) => method],
  ["studies", ({ studies }) => studies],
  ["best", ({ best }) => best],
  ["level", ({ level }) => level],
  ["behind", ({ behind }) => behind],
  ["mean_rank", ({ rank }) => rank],
  ["mean_methods", ({ of }) => of],
  ["mean_auc_to_best", ({ gap }) => gap],
  ["mean_auc_to_uniform", ({ besideBase }) => besideBase],
];

/** What a CSV file can hold: every row; fields under every method and budget; stability; several studies together. */
export type CsvPart = "rows" | "fields" | "stability" | "across";

/** CSV as RFC 4180 has it, but with plain line ends; a title line, then a line for each row of the part. */
export function reportCsv({ studies, across }: Report, part: CsvPart = "rows"): string {
  const linesOf = <Line>(columns: Columns<Line>, lines: (study: Study) => readonly Line[]) =>
    table(
      columns.map(([title]) => title),
      studies.flatMap((study) => lines(study).map((line) => columns.map(([, value]) => value(line, study)))),
    );
  switch (part) {
    case "rows":
      return linesOf(ROWS, ({ rows }) => rows);
    case "fields":
      return linesOf(FIELDS, ({ fields, points }) =>
        fields.flatMap((field, index) => points.map((point) => ({ field, index, point }))),
      );
    case "stability":
      return linesOf(STABILITY, ({ stability }) => stability);
    case "across":
      return table(
        TALLIES.map(([title]) => title),
        across.tallies.map((tally) => TALLIES.map(([, value]) => value(tally))),
      );
  }
}

function table(titles: readonly string[], lines: readonly (readonly Cell[])[]): string {
  return `${[titles, ...lines].map((line) => line.map(quoted).join(",")).join("\n")}\n`;
}

function quoted(cell: Cell): string {
  const text = cell === null || cell === undefined ? "" : String(cell);
  // a spreadsheet must not take a name for a formula
  const safe = typeof cell === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** The whole report as JSON text. */
export function reportJson(report: Report): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}
