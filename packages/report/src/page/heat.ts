/** Where the numbers are: a heat map of methods x fields. */
import * as Plot from "@observablehq/plot";
import type { PageStudy } from "./data.ts";
import { fitted, short } from "./format.ts";

const CELL = 25;

/** From here on letters on a cell change colour; in the few shades around it neither would have a contrast of 4.5 in both themes. */
const MIDDLE = 62;
const readable = (strength: number) =>
  Math.abs(strength - MIDDLE) < 2.5 ? MIDDLE + (strength > MIDDLE ? 2.5 : -2.5) : strength;

/** Wider than the place it is in where there are many fields: that place scrolls. */
export function heat(study: PageStudy, budget: string, room: number): Element | undefined {
  const lines = study.points.filter((point) => point.budget === budget);
  if (lines.length === 0) return undefined;
  const cells = lines.flatMap(({ method, shape, seeds }) =>
    study.fields.map(({ name: field }, f) => ({ method, field, kept: shape.kept[f]!, seeds: seeds.length })),
  );
  const most = Math.max(1, ...cells.map(({ kept }) => kept));
  // in logarithms: from 1 to 2 numbers is as far as from 8 to 16
  const strength = (kept: number) =>
    readable(kept === 0 ? 0 : 8 + 92 * (Math.log2(1 + kept) / Math.log2(1 + most)));
  const margin = 12 + 7 * Math.max(...lines.map(({ method }) => fitted(method).length));
  const below = 14 + 6.6 * Math.max(...study.fields.map(({ name }) => Math.min(name.length, 24)));
  const width = Math.max(
    margin + 14 + CELL * study.fields.length,
    Math.min(room, margin + 14 + 64 * study.fields.length),
  );
  return Plot.plot({
    width,
    height: 30 * lines.length + below + 16,
    marginLeft: margin,
    marginBottom: below,
    marginTop: 8,
    marginRight: 14,
    x: {
      domain: study.fields.map(({ name }) => name),
      label: null,
      tickRotate: -90,
      tickFormat: (name: string) => fitted(name),
      tickSize: 0,
    },
    y: {
      domain: lines.map(({ method }) => method),
      label: null,
      tickSize: 0,
      tickFormat: (name: string) => fitted(name),
    },
    color: { type: "identity" },
    marks: [
      Plot.cell(cells, {
        x: "field",
        y: "method",
        fill: ({ kept }: { kept: number }) =>
          kept === 0
            ? "var(--heat-none)"
            : `color-mix(in oklab, var(--heat-high) ${strength(kept).toFixed(1)}%, var(--heat-low))`,
        inset: 0.5,
        className: "cells",
        title: ({ method, field, kept, seeds }: (typeof cells)[number]) =>
          `${method}, ${field}: ${kept === 0 ? "dropped" : `${short(kept)} numbers for each id`} (mean of ${seeds} ${seeds === 1 ? "seed" : "seeds"})`,
      }),
      Plot.text(cells, {
        x: "field",
        y: "method",
        text: ({ kept }: { kept: number }) => cellText(kept),
        fill: ({ kept }: { kept: number }) =>
          strength(kept) > MIDDLE ? "var(--heat-text-high)" : "var(--heat-text-low)",
        fontSize: 10,
        pointerEvents: "none",
        className: "cell-numbers",
      }),
    ],
  });
}

function cellText(kept: number): string {
  if (kept === 0) return "·";
  if (kept >= 10) return kept.toFixed(0);
  if (kept < 0.01) return "<.01";
  const text = Number(kept.toFixed(kept < 1 ? 2 : 1)).toString();
  return text.startsWith("0.") ? text.slice(1) : text;
}
