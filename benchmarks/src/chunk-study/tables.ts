/** The tables of docs/results.md: test AUC by method and share, and what each took, payload and total side by side. */
import {
  type Column,
  formatBytes,
  formatCount,
  formatSummary,
  type ResultRow,
  renderTable,
} from "@trimtab/eval";
import { advantages } from "@trimtab/search-core";
import type { StudyFolder } from "./folder.ts";
import { type Entry, Grid, overSeeds, ratiosOf, stepRatios } from "./grid.ts";
import type { Equal } from "./options.ts";
import { METHODS } from "./seed.ts";
import type { Method } from "./trial.ts";

interface Line {
  readonly share: number | null;
  readonly method: Method;
  readonly entries: readonly Entry[];
  /** What is said where there are no entries. */
  readonly otherwise: string;
}

const auc = ({ trained }: Entry): number => trained.row.metrics.test!.auc;
const four = (value: number): string => value.toFixed(4);

export function printTables(folder: StudyFolder, equal: Equal): void {
  const grid = new Grid(folder, equal);
  const dense = grid.dense;
  const { row, bytes } = dense[0]!.trained;
  const lines = grid.shares.flatMap((share) => METHODS.map((method) => lineOf(grid, method, share)));
  console.log(
    `${row.dataset}, ${row.model}, seeds ${grid.seeds.join(", ")}; baselines have at most fiited's total training bytes at the ${equal}\n`,
  );
  console.log(aucTable(grid, lines, dense));
  console.log(
    `\nuniform tables: ${formatBytes(bytes.payload)} of values, ${formatBytes(bytes.end)} to train them\n`,
  );
  const all: Line[] = [{ share: null, method: "dense", entries: dense, otherwise: "" }, ...lines];
  console.log(renderTable(all, columns, { style: "markdown" }));
  console.log("");
  printVerdicts(lines, dense);
}

function lineOf(grid: Grid, method: Method, share: number): Line {
  const entries = grid.entries(method, share);
  const otherwise = grid.missing(method, share) === undefined ? "to come" : "not possible";
  return { share, method, entries, otherwise };
}

function aucTable(grid: Grid, lines: readonly Line[], dense: readonly Entry[]): string {
  const base = formatSummary(overSeeds(dense, auc)!, four);
  const cell = (method: Method, share: number) => {
    const { entries, otherwise } = lines.find((line) => line.method === method && line.share === share)!;
    return seedsMissing(grid, entries, shown(entries, auc, four) ?? otherwise);
  };
  return renderTable(
    METHODS,
    [
      { title: `test AUC (dense ${base}), pruned share`, value: (method) => method },
      ...grid.shares.map((share) => ({
        title: `${share}%`,
        value: (method: Method) => cell(method, share),
      })),
    ],
    { style: "markdown" },
  );
}

/** A mean over fewer seeds than others says so. */
function seedsMissing({ seeds }: Grid, entries: readonly Entry[], text: string): string {
  const some = entries.length > 0 && entries.length < seeds.length;
  return some ? `${text} (${entries.length} of ${seeds.length} seeds)` : text;
}

function shown(
  entries: readonly Entry[],
  of: (entry: Entry) => number | null,
  format: (value: number) => string,
): string | undefined {
  const summary = overSeeds(entries, of);
  return summary && formatSummary(summary, format);
}

/** The mean alone: bytes of seeds differ little. */
function meanOf(of: (entry: Entry) => number | null, format: (value: number) => string) {
  return ({ entries }: Line): string => {
    const summary = overSeeds(entries, of);
    return summary ? format(summary.mean) : "-";
  };
}

const two = (value: number): string => value.toFixed(2);
const numeric = (title: string, value: (line: Line) => string): Column<Line> => ({
  title,
  value,
  align: "right",
});

const columns: Column<Line>[] = [
  { title: "pruned", value: ({ share }) => (share === null ? "" : `${share}%`) },
  { title: "method", value: ({ method }) => method },
  numeric("test AUC", ({ entries, otherwise }) => shown(entries, auc, four) ?? otherwise),
  numeric(
    "payload ratio",
    meanOf((e) => ratiosOf(e).payload, two),
  ),
  numeric(
    "total ratio, end",
    meanOf((e) => ratiosOf(e).end, two),
  ),
  numeric(
    "total ratio, peak",
    meanOf((e) => ratiosOf(e).peak, two),
  ),
  numeric(
    "total bytes, end",
    meanOf(({ trained }) => trained.bytes.end, formatBytes),
  ),
  numeric(
    "total bytes, peak",
    meanOf(({ trained }) => trained.bytes.peak, formatBytes),
  ),
  numeric(
    "with moments",
    meanOf(({ trained }) => trained.bytes.moving, formatBytes),
  ),
  numeric(
    "live chunks",
    meanOf(({ trained }) => trained.live?.notes.final.live ?? null, formatCount),
  ),
  numeric(
    "peak device",
    meanOf(({ trained }) => trained.devicePeak, formatBytes),
  ),
  numeric(
    "peak process",
    meanOf((e) => e.resident, formatBytes),
  ),
  numeric("step over dense", ({ entries }) => shown(entries, (e) => stepRatios(e).after, two) ?? "-"),
  numeric("with the ramp", ({ entries }) => shown(entries, (e) => stepRatios(e).all, two) ?? "-"),
];

/** What `fiited` is told apart from, seed by seed, at each share; and each method from the dense model. */
function printVerdicts(lines: readonly Line[], dense: readonly Entry[]): void {
  const rowsOf = ({ entries, method, share }: Line): ResultRow[] =>
    entries.map(({ trained }) => ({ ...trained.row, method, budget: share === null ? null : `${share}%` }));
  const rows = [
    ...rowsOf({ share: null, method: "dense", entries: dense, otherwise: "" }),
    ...lines.flatMap(rowsOf),
  ];
  for (const { budget, other, verdict, mean, noise, seeds } of advantages(rows, "fiited")) {
    console.log(
      `fiited pruned by ${budget} beside ${other}: ${verdict}, ${mean >= 0 ? "+" : ""}${four(mean)} ± ${four(noise)} (${seeds.length} ${seeds.length === 1 ? "seed" : "seeds"})`,
    );
  }
}
