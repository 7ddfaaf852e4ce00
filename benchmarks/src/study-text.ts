/** What the tables of studies have in common. */
import { formatBytes, formatCount, formatSummary, type ResultRow, summarize } from "@trimtab/eval";

export const mean = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0) / list.length;

export const testAucs = (list: readonly ResultRow[]): number[] => list.map((r) => r.metrics.test!.auc);

/** Test AUC as mean ± sd. */
export const auc = (list: readonly ResultRow[]): string =>
  formatSummary(summarize(testAucs(list)), (v) => v.toFixed(4));

/** A line of a Markdown table. */
export const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

/** What the base models of a cell are: AUC, bytes, numbers. */
export const baseText = (base: readonly ResultRow[]): string =>
  `base ${auc(base)}, ${formatBytes(base[0]!.bytes.serve)}, ${formatCount(base[0]!.parameters)} numbers`;
