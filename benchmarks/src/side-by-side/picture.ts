/**
 * `bun benchmarks/src/side-by-side/picture.ts FILE.svg RUN_FOLDER_OR_RESULTS ...`: the tables of docs/results.md, section 12, as one picture. A panel a cell:
 * test AUC (mean of the seeds) against serve bytes as a share of the uniform tables, a line a method; a grey band is the base model, mean ± sd.
 */
import * as Plot from "@observablehq/plot";
import { summarize } from "@trimtab/eval";
import { parseHTML } from "linkedom";
import { mean, testAucs } from "../study-text.ts";
import { INK, type Key, legend, legendWidth, titled, writeSvg } from "../svg.ts";
import { type Cell, cellsOf, kindOf } from "./cells.ts";

const DASH = "4 3";
/** Told apart by those who see few colours too (Okabe and Ito). Searchers are whole lines, baselines dashed. */
const KEYS: readonly Key[] = [
  { name: "sseds", stroke: "#0072b2" },
  { name: "pep", stroke: "#d55e00" },
  { name: "adass", stroke: "#009e73" },
  { name: "fiited", stroke: "#cc79a7" },
  { name: "magnitude", stroke: "#d55e00", dash: DASH },
  { name: "dims-by-size", stroke: "#0072b2", dash: DASH },
  { name: "random-dims", stroke: "#009e73", dash: DASH },
  { name: "row-pruning", stroke: "#cc79a7", dash: DASH },
  { name: "smaller-dim", stroke: "#111111", dash: DASH },
  { name: "smaller-dim-projected", stroke: "#888888", dash: DASH },
  { name: "hashed-rows", stroke: "#e69f00", dash: DASH },
];
const PANEL = { width: 396, height: 270 };
const HEAD = 44;

/** Budgets are shares of the uniform tables' bytes, as this study asks them. */
const share = (budget: string): number => Number.parseFloat(budget);

function spotsOf({ rows }: Cell) {
  return KEYS.flatMap(({ name }) => {
    const own = rows.filter(({ method }) => method === name);
    const budgets = [...new Set(own.flatMap(({ budget }) => budget ?? []))].sort(
      (a, b) => share(b) - share(a),
    );
    return budgets.map((budget) => ({
      method: name,
      bytes: share(budget),
      auc: mean(testAucs(own.filter((row) => row.budget === budget))),
    }));
  });
}

function panel(cell: Cell): string {
  const { document } = parseHTML("<html><body></body></html>");
  const spots = spotsOf(cell);
  const base = summarize(testAucs(cell.rows.filter(({ method }) => method === "base")));
  const least = Math.min(...spots.map(({ bytes }) => bytes));
  const most = Math.max(...spots.map(({ bytes }) => bytes));
  const keys = KEYS.filter(({ name }) => spots.some(({ method }) => method === name));
  const chart = Plot.plot({
    document,
    figure: false,
    ...PANEL,
    ...{ marginTop: 28, marginLeft: 52, marginRight: 14, marginBottom: 36 },
    style: { background: "white", color: INK, fontFamily: "sans-serif" },
    x: {
      ...{
        type: "log",
        reverse: true,
        label: "serve bytes, share of the uniform tables",
        labelArrow: "none",
      },
      ticks: [...new Set(spots.map(({ bytes }) => bytes))],
      tickFormat: (bytes: number) => `${bytes}%`,
    },
    y: { label: null, grid: true, ticks: 5, domain: domainOf(spots, base.mean) },
    color: { domain: keys.map(({ name }) => name), range: keys.map(({ stroke }) => stroke) },
    marks: [
      Plot.frame({ stroke: "#dddddd" }),
      Plot.rect([base], {
        ...{ x1: least, x2: most, y1: base.mean - (base.sd ?? 0), y2: base.mean + (base.sd ?? 0) },
        ...{ fill: "#999999", fillOpacity: 0.35, clip: true },
      }),
      ...keys.map(({ name, dash }) =>
        Plot.lineY(
          spots.filter(({ method }) => method === name),
          {
            ...{ x: "bytes", y: "auc", stroke: "method", strokeWidth: 1.6, clip: true },
            strokeDasharray: dash,
          },
        ),
      ),
      Plot.dot(spots, { x: "bytes", y: "auc", fill: "method", r: 2.2, clip: true }),
      Plot.text([`${cell.dataset}, ${cell.model}`], { frameAnchor: "top", dy: -14, fontWeight: "bold" }),
    ],
  });
  return chart.outerHTML;
}

/** All but the lowest fifth: what collapses leaves the panel, or the others would be one line. */
function domainOf(spots: readonly { bytes: number; auc: number }[], base: number): [number, number] {
  const high = Math.max(base, ...spots.map(({ auc }) => auc));
  const sorted = spots.map(({ auc }) => auc).sort((a, b) => a - b);
  const low = sorted[Math.floor(sorted.length * 0.2)]!;
  const room = Math.max(0.002, high - low);
  return [low - room / 20, high + room / 20];
}

const [file, ...places] = process.argv.slice(2);
if (!file || places.length === 0) {
  console.error("usage: picture.ts FILE.svg RUN_FOLDER_OR_RESULTS ...");
  process.exit(2);
}
const cells = places.flatMap(cellsOf);
for (const { method } of cells.flatMap(({ rows }) => rows))
  if (method !== "base" && !KEYS.some(({ name }) => name === method))
    throw new Error(`${method} has no colour`);
const datasets = [...new Set(cells.map(({ dataset }) => dataset))];
const kinds = [...new Set(cells.map(({ model }) => kindOf(model)))];
const parts = cells.map((cell) => {
  const x = PANEL.width * kinds.indexOf(kindOf(cell.model));
  const y = HEAD + PANEL.height * datasets.indexOf(cell.dataset);
  return panel(cell).replace(/^<svg/, `<svg x="${x}" y="${y}"`);
});
const width = Math.max(PANEL.width * kinds.length, legendWidth(KEYS));
const height = HEAD + PANEL.height * datasets.length;
const title = "Test AUC at equal serve bytes, all methods";
const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif"><rect width="${width}" height="${height}" fill="white"/>${parts.join("")}${legend(KEYS, title)}</svg>`;
writeSvg(file, titled(svg, title));
console.log(`${cells.length} cells are drawn in ${file}`);
