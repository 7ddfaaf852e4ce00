/** Test AUC against what a scheme costs: a line a method, noise bands over seeds, the base model's line with its band. */
import * as Plot from "@observablehq/plot";
import type { Point } from "../model.ts";
import { colorOf, type PageStudy, symbolOf } from "./data.ts";
import { bytes, count, logTicks } from "./format.ts";
import { type Drawn, rangeOf } from "./range.ts";

export type Cost = "serve" | "train" | "parameters";

const COSTS: Record<Cost, { label: string; show: (value: number) => string; base: number }> = {
  serve: { label: "bytes to serve the embeddings (log scale)", show: bytes, base: 2 },
  train: { label: "bytes of the embeddings while training (log scale)", show: bytes, base: 2 },
  parameters: { label: "numbers in the embeddings (log scale)", show: count, base: 10 },
};

interface Spot extends Drawn {
  readonly method: string;
  readonly x: number;
  readonly title: string;
}

/** Dashes of a baseline; a searcher's line is whole. */
export const DASHES = "5 4";

export function front(
  study: PageStudy,
  cost: Cost,
  width: number,
  hidden: ReadonlySet<string>,
): Element | undefined {
  const { label, show, base } = COSTS[cost];
  const spots = study.points
    .filter(({ method }) => !hidden.has(method))
    .flatMap((point) => spotOf(point, cost, show) ?? [])
    .sort((a, b) => a.x - b.x);
  if (spots.length === 0) return undefined;
  const { domain, below } = rangeOf(spots);
  const shown = ({ y }: Spot) => y >= domain[0];
  const [from, to] = [spots.find(shown)!.x / 1.12, spots.findLast(shown)!.x * 1.12];
  const digits = domain[1] - domain[0] < 0.0045 ? 4 : 3;
  const lines = study.methods.filter(({ name, kind }) => kind !== "base" && !hidden.has(name));
  const uniform = spots.find(({ method }) => method === "base");
  const mine = (name: string) => spots.filter(({ method }) => method === name);
  return Plot.plot({
    width,
    height: Math.round(Math.min(430, Math.max(290, width * 0.6))),
    marginLeft: 56,
    marginTop: 30,
    marginBottom: 42,
    marginRight: 18,
    x: {
      type: "log",
      base,
      domain: [from, to],
      ticks: logTicks([from, to], base, Math.floor((width - 70) / 64)),
      tickFormat: show,
      label,
      labelArrow: "none",
    },
    y: {
      domain,
      grid: true,
      ticks: 6,
      tickFormat: (v: number) => v.toFixed(digits),
      label: "test AUC",
      labelArrow: "none",
    },
    marks: [
      ...(uniform
        ? [
            Plot.areaY([from, to], {
              x: (v: number) => v,
              y1: uniform.low,
              y2: uniform.high,
              fill: "var(--base)",
              fillOpacity: 0.14,
              clip: true,
              className: "base-band",
            }),
            Plot.ruleY([uniform.y], { stroke: "var(--base)", strokeWidth: 1.5, className: "base-line" }),
          ]
        : []),
      ...lines.flatMap(({ name }) => [
        Plot.areaY(mine(name), {
          x: "x",
          y1: "low",
          y2: "high",
          fill: colorOf(name, study),
          fillOpacity: 0.13,
          clip: true,
          className: "noise-band",
        }),
      ]),
      ...lines.flatMap(({ name, kind }) => {
        const stroke = colorOf(name, study);
        const strokeDasharray = kind === "baseline" ? DASHES : undefined;
        return [
          Plot.ruleX(
            mine(name).filter((s) => s.high > s.low),
            { x: "x", y1: "low", y2: "high", stroke, strokeOpacity: 0.7, clip: true, className: "noise-bar" },
          ),
          Plot.lineY(mine(name), {
            x: "x",
            y: "y",
            stroke,
            strokeWidth: kind === "baseline" ? 1.5 : 2.25,
            strokeDasharray,
            clip: true,
            className: "method-line",
          }),
        ];
      }),
      ...study.methods
        .filter(({ name }) => !hidden.has(name))
        .map(({ name, kind }) =>
          Plot.dot(mine(name).filter(shown), {
            x: "x",
            y: "y",
            r: 4,
            symbol: symbolOf(name, study),
            stroke: colorOf(name, study),
            strokeWidth: 1.75,
            fill: kind === "baseline" ? "var(--surface)" : colorOf(name, study),
            className: "points",
          }),
        ),
      ...(below > 0
        ? [
            Plot.text([`${below} ${below === 1 ? "point lies" : "points lie"} below`], {
              frameAnchor: "bottom-right",
              dx: -6,
              dy: -6,
              fill: "currentColor",
              // lines pass behind it
              stroke: "var(--surface)",
              strokeWidth: 4,
              className: "points-below",
            }),
          ]
        : []),
      Plot.tip(
        spots.filter(shown),
        Plot.pointer({ x: "x", y: "y", title: "title", maxRadius: 30, lineWidth: 24 }),
      ),
    ],
  });
}

function spotOf(point: Point, cost: Cost, show: (value: number) => string): Spot | undefined {
  const x = point[cost].mean;
  // a log axis has no place for nothing
  if (point.auc === null || x <= 0) return undefined;
  const { mean, sd } = point.auc;
  const seeds = point.seeds.length === 1 ? "1 seed" : `${point.seeds.length} seeds`;
  const noise = sd === null ? "" : ` ± ${sd.toFixed(4)}`;
  const who = point.budget === null ? "base model (uniform)" : `${point.method}, budget ${point.budget}`;
  return {
    method: point.method,
    x,
    y: mean,
    low: mean - (sd ?? 0),
    high: mean + (sd ?? 0),
    title: `${who}\nAUC ${mean.toFixed(4)}${noise} (${seeds})\n${show(x)}`,
  };
}

/** A method as it is drawn: its stroke and its symbol. */
export function sample(study: PageStudy, method: string): Element {
  const kind = study.methods.find(({ name }) => name === method)!.kind;
  const stroke = colorOf(method, study);
  return Plot.plot({
    width: 36,
    height: 14,
    margin: 0,
    x: { domain: [0, 2], axis: null },
    y: { domain: [0, 2], axis: null },
    marks: [
      Plot.lineY([0, 2], {
        x: (v: number) => v,
        y: () => 1,
        stroke,
        strokeWidth: kind === "baseline" ? 1.5 : 2.25,
        strokeDasharray: kind === "baseline" ? DASHES : undefined,
      }),
      Plot.dot([1], {
        x: () => 1,
        y: () => 1,
        r: 4,
        symbol: symbolOf(method, study),
        stroke,
        strokeWidth: 1.75,
        fill: kind === "baseline" ? "var(--surface)" : stroke,
      }),
    ],
  });
}
