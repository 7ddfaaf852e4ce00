/** Metrics, and what is missing, as people read them. */
import { formatBytes, formatCount, type Metrics, type ResultRow, renderTable } from "@trimtab/eval";
import type { Missing } from "@trimtab/search-core";

/** Metrics of one split, a line a model. */
export function metricsTable(
  lines: readonly { readonly name: string; readonly row: ResultRow; readonly metrics: Metrics }[],
): string {
  return renderTable(lines, [
    { title: "model", value: ({ name }) => name },
    { title: "AUC", align: "right", value: ({ metrics }) => metrics.auc.toFixed(4) },
    { title: "logloss", align: "right", value: ({ metrics }) => metrics.logloss.toFixed(4) },
    { title: "per-user AUC", align: "right", value: ({ metrics }) => metrics.perUser?.auc.toFixed(4) ?? "-" },
    {
      title: "predicted / clicked",
      align: "right",
      value: ({ metrics }) => metrics.calibration.ratio?.toFixed(3) ?? "-",
    },
    {
      title: "calibration error",
      align: "right",
      value: ({ metrics }) => metrics.calibration.ece.toFixed(4),
    },
    { title: "parameters", align: "right", value: ({ row }) => formatCount(row.parameters) },
    { title: "bytes", align: "right", value: ({ row }) => formatBytes(row.bytes.serve) },
  ]);
}

/** What could not be compared, and why. */
export function missingLines(missing: readonly Missing[]): string[] {
  const seen = new Map(missing.map((m) => [`${m.method} at ${m.budget}`, m.reason]));
  return [...seen].map(([what, reason]) => `${what}: not possible, ${reason}`);
}
