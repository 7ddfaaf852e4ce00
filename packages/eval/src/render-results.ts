import { formatBytes, formatCount, formatRatio, formatSeconds } from "./format.ts";
import type { ResultRow } from "./result-row.ts";
import { formatAmount, formatSummary, type Summary, summarize } from "./summary.ts";
import { type Column, renderTable, type TableOptions } from "./table.ts";

/** Rows that differ in nothing but their seeds, summarised. */
export interface ResultGroup {
  readonly dataset: string;
  readonly synthetic: boolean;
  readonly model: string;
  readonly method: string;
  readonly budget: string | null;
  /** How many rows (seeds) are in the group. */
  readonly runs: number;
  /** Null where a row of the group has no metrics of the split. */
  readonly auc: Summary | null;
  readonly logloss: Summary | null;
  readonly parameters: Summary;
  readonly serveBytes: Summary;
  /** Bytes of the embeddings while training. */
  readonly trainBytes: Summary;
  /** uniform bytes / serve bytes, of each row; null where a row serves nothing at all. */
  readonly saving: Summary | null;
  /** Seconds of all phases together. */
  readonly seconds: Summary;
}

/**
 * Groups rows of the same dataset (by hash), model, method and budget, in order of first appearance, and summarises
 * each group over its seeds.
 */
export function groupResults(rows: readonly ResultRow[], split: "valid" | "test" = "test"): ResultGroup[] {
  const groups = new Map<string, [ResultRow, ...ResultRow[]]>();
  for (const row of rows) {
    const key = JSON.stringify([row.dataset, row.datasetHash, row.model, row.method, row.budget]);
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return [...groups.values()].map((group) => {
    const [{ dataset, synthetic, model, method, budget }] = group;
    const over = (value: (row: ResultRow) => number | undefined): Summary | null => {
      const values = group.map(value).filter((v) => v !== undefined);
      return values.length === group.length ? summarize(values) : null;
    };
    return {
      dataset,
      synthetic,
      model,
      method,
      budget,
      runs: group.length,
      auc: over((row) => row.metrics[split]?.auc),
      logloss: over((row) => row.metrics[split]?.logloss),
      parameters: summarize(group.map((row) => row.parameters)),
      serveBytes: summarize(group.map((row) => row.bytes.serve)),
      trainBytes: summarize(group.map((row) => row.bytes.train)),
      saving: over((row) => (row.bytes.serve > 0 ? row.bytes.uniform / row.bytes.serve : undefined)),
      seconds: summarize(group.map((row) => Object.values(row.seconds).reduce((a, b) => a + b, 0))),
    };
  });
}

export interface RenderResultsOptions extends TableOptions {
  /** Which split's metrics to show: "test" unless given. */
  readonly split?: "valid" | "test";
  /** Show what the embeddings take while training too, optimizer state and all; false unless given. */
  readonly training?: boolean;
}

/**
 * The table of a comparison: a line for each dataset, model, method and budget, mean ± standard deviation over seeds
 * where there are several. The count of runs is shown unless all are one. Numbers on generated data are labelled synthetic.
 */
export function renderResults(
  rows: readonly ResultRow[],
  { split = "test", training = false, ...options }: RenderResultsOptions = {},
): string {
  const groups = groupResults(rows, split);
  const several = (value: (group: ResultGroup) => unknown) => new Set(groups.map(value)).size > 1;
  const text = (title: string, value: (group: ResultGroup) => string): Column<ResultGroup> => ({
    title,
    value,
  });
  const number = (
    title: string,
    value: (group: ResultGroup) => Summary | null,
    format: (value: number, like?: number) => string,
  ): Column<ResultGroup> => ({
    title,
    align: "right",
    value: (group) => {
      const summary = value(group);
      return summary === null ? "-" : formatAmount(summary, format);
    },
  });
  const measured =
    (value: (group: ResultGroup) => Summary | null, digits: number) => (group: ResultGroup) => {
      const summary = value(group);
      return summary === null ? "-" : formatSummary(summary, (v) => v.toFixed(digits));
    };
  const columns: Column<ResultGroup>[] = [
    text("dataset", (group) => (group.synthetic ? `${group.dataset} (synthetic)` : group.dataset)),
    text("model", (group) => group.model),
    text("method", (group) => group.method),
    text("budget", (group) => group.budget ?? "-"),
    ...(several((group) => group.runs) || groups[0]?.runs !== 1
      ? [{ title: "runs", align: "right" as const, value: (group: ResultGroup) => String(group.runs) }]
      : []),
    { title: `${split} AUC`, align: "right", value: measured((group) => group.auc, 4) },
    { title: "logloss", align: "right", value: measured((group) => group.logloss, 4) },
    number("parameters", (group) => group.parameters, formatCount),
    number("bytes", (group) => group.serveBytes, formatBytes),
    ...(training ? [number("in training", (group) => group.trainBytes, formatBytes)] : []),
    number("saving", (group) => group.saving, formatRatio),
    number("seconds", (group) => group.seconds, formatSeconds),
  ];
  // What is the same in every line is said once above the table, which keeps it narrow enough for a terminal.
  const shared = groups.length > 0 && !several((group) => `${group.dataset} ${group.model}`);
  if (!shared) return renderTable(groups, columns, options);
  const [dataset, model, ...rest] = columns;
  return `${dataset!.value(groups[0]!)}, ${model!.value(groups[0]!)}\n${renderTable(groups, rest, options)}`;
}
