/** Result rows and verdicts as people read them. */
import { formatBytes, formatCount, type Metrics, type ResultRow, renderTable } from "@trimtab/eval";
import { type Advantage, advantages, type Missing } from "@trimtab/search-core";

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

/** Says plainly of each budget whether `method` beat each other method. */
export function verdicts(rows: readonly ResultRow[], method: string): string[] {
  return advantages(rows, method).map(
    (a) => `${a.method}${a.budget ? ` at ${a.budget}` : ""} ${sentence(a)}`,
  );
}

function sentence({ other, mean, noise, seeds, verdict }: Advantage): string {
  const gain = `${mean >= 0 ? "+" : ""}${mean.toFixed(4)} test AUC`;
  const word = { better: "beats", worse: "is worse than", "within noise": "is not told apart from" }[verdict];
  const whom = other === "base" ? "the uniform base model" : other;
  const beside =
    seeds.length === 1
      ? `one seed only, so training noise is unknown; the test rows alone give ±${noise.toFixed(4)}`
      : `95% interval ±${noise.toFixed(4)} over ${seeds.length} seeds`;
  return `${word} ${whom}: ${gain} (${beside})`;
}

/** What could not be compared, and why. */
export function missingLines(missing: readonly Missing[]): string[] {
  const seen = new Map(missing.map((m) => [`${m.method} at ${m.budget}`, m.reason]));
  return [...seen].map(([what, reason]) => `${what}: not possible, ${reason}`);
}
