/** Validation AUC over training, a panel a pruned share, a line a method and seed: an SVG by Observable Plot, drawn without a browser. */
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { INK, legend, titled, writeSvg } from "../svg.ts";
import type { StudyFolder } from "./folder.ts";
import { type Entry, Grid } from "./grid.ts";
import type { Equal } from "./options.ts";
import { METHODS } from "./seed.ts";

interface Spot {
  readonly panel: string;
  readonly method: string;
  /** A method's own line of a seed. */
  readonly line: string;
  readonly epoch: number;
  readonly auc: number;
  /** The epoch whose weights were tested. */
  readonly chosen: boolean;
}

/** Told apart by those who see few colours too (Okabe and Ito); the dense model is grey. */
const COLORS = {
  dense: "#999999",
  fiited: "#d55e00",
  "row-pruning": "#0072b2",
  "hashed-rows": "#009e73",
  "smaller-dim": "#cc79a7",
} as const;

const PANEL = { width: 250, height: 190, columns: 4 };
/** The legend needs it. */
const LEAST_WIDTH = 560;

export function drawCurves(folder: StudyFolder, equal: Equal, file: string): void {
  const grid = new Grid(folder, equal);
  const spots = grid.shares.flatMap((share) => {
    const panel = `${share}% pruned`;
    const own = METHODS.flatMap((method) => spotsOf(panel, method, grid.entries(method, share)));
    return [...spotsOf(panel, "dense", grid.dense), ...own];
  });
  const { dataset, model } = grid.dense[0]!.trained.row;
  const svg = plot(spots, grid.shares, `${dataset}, ${model}: validation AUC by epoch`);
  writeSvg(file, svg);
  console.log(`\nvalidation AUC over training is drawn in ${file}`);
}

function spotsOf(panel: string, method: string, entries: readonly Entry[]): Spot[] {
  return entries.flatMap(({ seed, trained }) =>
    trained.history.map(({ epoch, auc }) => ({
      panel,
      method,
      line: `${method} ${seed}`,
      epoch: epoch + 1,
      auc,
      chosen: epoch === trained.bestEpoch,
    })),
  );
}

function plot(spots: readonly Spot[], shares: readonly number[], title: string): string {
  const { document } = parseHTML("<html><body></body></html>");
  const panels = shares.map((share) => `${share}% pruned`);
  const columns = Math.min(PANEL.columns, panels.length);
  const rows = Math.ceil(panels.length / columns);
  const placed = spots.map((spot) => {
    const at = panels.indexOf(spot.panel);
    return { ...spot, column: at % columns, row: Math.floor(at / columns) };
  });
  const titles = panels.map((panel, at) => ({ panel, column: at % columns, row: Math.floor(at / columns) }));
  const methods = Object.keys(COLORS).filter((name) => spots.some(({ method }) => method === name));
  const chart = Plot.plot({
    document,
    figure: false,
    width: Math.max(LEAST_WIDTH, PANEL.width * columns + 80),
    height: PANEL.height * rows + 90,
    marginTop: 56,
    marginLeft: 56,
    marginRight: 16,
    marginBottom: 40,
    style: { background: "white", color: INK, fontFamily: "sans-serif" },
    x: { label: "epoch", labelArrow: "none", ticks: 5, tickFormat: "d" },
    y: { label: null, domain: domainOf(spots), grid: true, ticks: 5 },
    fx: { axis: null, padding: 0.06 },
    fy: { axis: null, padding: 0.14 },
    color: { domain: methods, range: methods.map((name) => COLORS[name as keyof typeof COLORS]) },
    marks: [
      Plot.frame({ stroke: "#dddddd" }),
      Plot.lineY(placed, {
        x: "epoch",
        y: "auc",
        z: "line",
        stroke: "method",
        strokeWidth: 1.3,
        strokeOpacity: 0.75,
        clip: true,
        fx: "column",
        fy: "row",
      }),
      Plot.dot(
        placed.filter(({ chosen }) => chosen),
        { x: "epoch", y: "auc", fill: "method", r: 2.6, fx: "column", fy: "row" },
      ),
      Plot.text(titles, {
        text: "panel",
        fx: "column",
        fy: "row",
        frameAnchor: "top",
        dy: -12,
        fontWeight: "bold",
      }),
    ],
  });
  // a file of its own has to say that it is SVG
  chart.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const keys = methods.map((name) => ({ name, stroke: COLORS[name as keyof typeof COLORS] }));
  return titled(chart.outerHTML, title).replace(/<\/svg>$/, `${legend(keys, title)}</svg>`);
}

/** From the lowest of what was chosen, and as much again below it as there is above: the first epochs of some methods lie far below. */
function domainOf(spots: readonly Spot[]): [number, number] {
  const chosen = spots.filter((spot) => spot.chosen).map(({ auc }) => auc);
  const high = Math.max(...spots.map(({ auc }) => auc));
  const low = Math.min(...chosen);
  const room = Math.max(0.002, high - low);
  return [Math.max(Math.min(...spots.map(({ auc }) => auc)), low - room), high + room / 20];
}
