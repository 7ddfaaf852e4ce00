/** The rows of a report as CSV, one finished training a line, exact numbers. */
import type { ResultRow } from "@trimtab/eval";
import type { Report, Study } from "./model.ts";

type Cell = string | number | boolean | null | undefined;

const COLUMNS: readonly (readonly [title: string, value: (row: ResultRow, study: Study) => Cell])[] = [
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
  ["epochs", (row) => (typeof row.config.epochs === "number" ? row.config.epochs : null)],
  ["engine", (row) => row.engine],
  ["adapter", (row) => row.adapter],
  ["trimtab", (row) => row.versions.trimtab],
  ["date", (row) => row.date],
  ["command", (row) => row.command],
];

/** CSV as RFC 4180 has it, but with plain line ends. */
export function reportCsv({ studies }: Report): string {
  const lines = studies.flatMap((study) =>
    study.rows.map((row) => COLUMNS.map(([, value]) => quoted(value(row, study))).join(",")),
  );
  return `${[COLUMNS.map(([title]) => title).join(","), ...lines].join("\n")}\n`;
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
