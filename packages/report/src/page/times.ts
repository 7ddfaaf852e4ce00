/** Seconds of each phase, stacked: a bar for each method and budget. */
import * as Plot from "@observablehq/plot";
import type { PageStudy } from "./data.ts";
import { fitted, seconds } from "./format.ts";

/** In the order they happen. */
export const PHASES = ["base", "search", "train", "evaluate"] as const;

export function times(study: PageStudy, width: number, hidden: ReadonlySet<string>): Element | undefined {
  const points = study.points.filter(({ method }) => !hidden.has(method));
  const order = (budget: string | null) => (budget === null ? -1 : study.budgets.indexOf(budget));
  const lines = study.methods.flatMap(({ name }) =>
    points.filter(({ method }) => method === name).sort((a, b) => order(a.budget) - order(b.budget)),
  );
  if (lines.length === 0) return undefined;
  // shortened names may be the same
  const labels = new Map<string, string>();
  const keyOf = ({ method, budget }: { method: string; budget: string | null }) => {
    const named = (name: string) => (budget === null ? name : `${name} ${budget}`);
    labels.set(named(method), named(fitted(method)));
    return named(method);
  };
  const known: readonly string[] = PHASES;
  const others = new Set(
    lines.flatMap((line) => Object.keys(line.seconds)).filter((p) => !known.includes(p)),
  );
  const bars = lines.flatMap((line) =>
    [...PHASES, ...others].flatMap((phase) => {
      const value = line.seconds[phase];
      return value === undefined || value === 0 ? [] : [{ line: keyOf(line), phase, value }];
    }),
  );
  const totals = lines.map((line) => ({
    line: keyOf(line),
    total: Object.values(line.seconds).reduce((a, b) => a + b, 0),
  }));
  const color = (phase: string) => `var(--phase-${known.includes(phase) ? phase : "other"})`;
  const longest = Math.max(...totals.map(({ total }) => total));
  const [unit, name] = longest >= 7200 ? [3600, "hours"] : longest >= 120 ? [60, "minutes"] : [1, "seconds"];
  const margin = Math.min(
    width * 0.5,
    14 + 6.6 * Math.max(...[...labels.values()].map((label) => label.length)),
  );
  return Plot.plot({
    width,
    height: 22 * lines.length + 52,
    marginLeft: margin,
    marginRight: 58,
    marginBottom: 42,
    marginTop: 6,
    x: {
      domain: [0, longest / unit],
      grid: true,
      ticks: Math.max(2, Math.floor((width - margin - 58) / 80)),
      label: `wall-clock ${name}, mean over seeds`,
      labelArrow: "none",
    },
    y: {
      domain: totals.map(({ line }) => line),
      tickFormat: (line: string) => labels.get(line)!,
      label: null,
      tickSize: 0,
    },
    color: { type: "identity" },
    marks: [
      Plot.barX(bars, {
        x: (bar: (typeof bars)[number]) => bar.value / unit,
        y: "line",
        fill: ({ phase }: { phase: string }) => color(phase),
        order: null,
        insetTop: 1.5,
        insetBottom: 1.5,
        className: "bars",
        title: ({ line, phase, value }: (typeof bars)[number]) => `${line}, ${phase}: ${seconds(value)}`,
      }),
      Plot.text(totals, {
        x: (line: (typeof totals)[number]) => line.total / unit,
        y: "line",
        text: ({ total }: { total: number }) => seconds(total),
        textAnchor: "start",
        dx: 5,
        className: "totals",
      }),
    ],
  });
}
