/** Frequency against dim: numbers kept by how often an id occurs, by its rank, and for whole fields. */
import * as Plot from "@observablehq/plot";
import { colorOf, type PageStudy, symbolOf } from "./data.ts";
import { count, logTicks, short } from "./format.ts";
import { DASHES } from "./front.ts";

/** What ids are put into classes by. */
export type By = "frequency" | "tenths";

interface Spot {
  readonly method: string;
  readonly x: number;
  readonly kept: number;
  readonly title: string;
}

const COMMON = { height: 300, marginTop: 30, marginLeft: 48, marginBottom: 42, marginRight: 18 };
const KEPT = {
  grid: true,
  zero: true,
  nice: true,
  ticks: 6,
  label: "numbers kept for each id",
  labelArrow: "none",
} as const;

const numbers = (kept: number) => `${short(kept)} numbers for each id`;

/** Occurrences of ids of class c: 2^c to 2^(c + 1) - 1. Drawn at the geometric mean. */
function classOf(c: number): { readonly x: number; readonly text: string } {
  const [from, to] = [2 ** c, 2 ** (c + 1) - 1];
  return { x: Math.sqrt(from * to), text: from === to ? count(from) : `${count(from)} to ${count(to)}` };
}

/** Mean numbers kept by classes of ids: of one field, or of all where `field` is null. */
export function popularity(
  study: PageStudy,
  { budget, field, by }: { readonly budget: string; readonly field: string | null; readonly by: By },
  width: number,
  hidden: ReadonlySet<string>,
): Element | undefined {
  const spots = study.points
    .filter((point) => point.budget === budget && !hidden.has(point.method))
    .flatMap(({ method, shape }) => {
      const curves = by === "tenths" ? shape.popularity : shape.frequency;
      const curve = (field === null ? curves?.all : curves?.fields[field]) ?? [];
      return curve.flatMap((kept, c): Spot[] => {
        if (kept === null) return [];
        const { x, text } = by === "tenths" ? { x: c + 1, text: `tenth ${c + 1}` } : classOf(c);
        const who = by === "tenths" ? text : `ids in ${text} training rows`;
        return [{ method, x, kept, title: `${method}\n${who}: ${numbers(kept)}` }];
      });
    });
  if (spots.length === 0) return undefined;
  const xs = spots.map(({ x }) => x);
  const range = [Math.min(...xs) / 1.25, Math.max(...xs) * 1.25] as const;
  const lines = study.methods.filter(({ name }) => spots.some(({ method }) => method === name));
  const mine = (name: string) => spots.filter(({ method }) => method === name);
  return Plot.plot({
    width,
    ...COMMON,
    x:
      by === "tenths"
        ? {
            domain: [0.7, 10.3],
            ticks: Array.from({ length: 10 }, (_, t) => t + 1),
            tickFormat: String,
            label: "tenths of a field's ids, the commonest first",
            labelArrow: "none",
          }
        : frequencyAxis(range, width, "training rows in which the id occurs (log scale)"),
    y: KEPT,
    marks: [
      ...lines.map(({ name, kind }) =>
        Plot.lineY(mine(name), {
          x: "x",
          y: "kept",
          stroke: colorOf(name, study),
          strokeWidth: kind === "baseline" ? 1.5 : 2.25,
          strokeDasharray: kind === "baseline" ? DASHES : undefined,
          className: "method-line",
        }),
      ),
      ...lines.map(({ name }) => dots(study, name, mine(name))),
      tips(spots),
    ],
  });
}

/** A point a field and method: how often its ids occur on average, and how many numbers it keeps for each. */
export function fieldDims(
  study: PageStudy,
  budget: string,
  width: number,
  hidden: ReadonlySet<string>,
): Element | undefined {
  const spots = study.points
    .filter((point) => point.budget === budget && !hidden.has(point.method))
    .flatMap(({ method, shape }) =>
      study.fields.flatMap(({ name, occurrences }, f): Spot[] => {
        // a log axis has no place for nothing
        if (occurrences === null || occurrences <= 0) return [];
        const kept = shape.kept[f]!;
        const title = `${method}, ${name}\n${short(occurrences)} training rows for each id: ${kept === 0 ? "dropped" : numbers(kept)}`;
        return [{ method, x: occurrences, kept, title }];
      }),
    );
  if (spots.length === 0) return undefined;
  const xs = spots.map(({ x }) => x);
  const range = [Math.min(...xs) / 1.25, Math.max(...xs) * 1.25] as const;
  return Plot.plot({
    width,
    ...COMMON,
    x: frequencyAxis(range, width, "mean training rows for an id of the field (log scale)"),
    y: KEPT,
    marks: [
      ...study.methods.map(({ name }) =>
        dots(
          study,
          name,
          spots.filter(({ method }) => method === name),
        ),
      ),
      tips(spots),
    ],
  });
}

function frequencyAxis(range: readonly [number, number], width: number, label: string) {
  return {
    type: "log" as const,
    domain: [...range],
    ticks: logTicks(range, 10, Math.floor((width - 70) / 54)),
    tickFormat: count,
    label,
    labelArrow: "none" as const,
  };
}

function dots(study: PageStudy, name: string, spots: readonly Spot[]) {
  const baseline = study.methods.find((method) => method.name === name)?.kind === "baseline";
  return Plot.dot(spots, {
    x: "x",
    y: "kept",
    r: 3.5,
    symbol: symbolOf(name, study),
    stroke: colorOf(name, study),
    fill: baseline ? "var(--surface)" : colorOf(name, study),
    className: "points",
  });
}

function tips(spots: readonly Spot[]) {
  return Plot.tip(spots, Plot.pointer({ x: "x", y: "kept", title: "title", maxRadius: 30 }));
}
