/** Schemes for people: a table and bars, as plain text. */
import type { FieldUse, Scheme } from "./scheme.ts";
import { VALUE_BYTES } from "./scheme.ts";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** Bytes with a binary unit: 1536 -> "1.5 KiB". */
export function showBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(value < 10 ? 2 : 1)} ${UNITS[unit]}`;
}

function percent(part: number): string {
  return `${(100 * part).toFixed(1)}%`;
}

/** Bytes of the uniform tables a scheme is measured against. */
export function baseBytes(scheme: Scheme): number {
  return scheme.fields.reduce((n, { rows }) => n + rows * scheme.base, 0) * VALUE_BYTES;
}

function totalLine(scheme: Scheme): string {
  const bytes = scheme.serveBytes();
  const whole = baseBytes(scheme);
  const ratio = whole === 0 ? "" : `, ${percent(bytes / whole)} of uniform dim ${scheme.base}`;
  const name = scheme.layout ? `${scheme.kind} as ${scheme.layout}` : scheme.kind;
  return `${name}: ${scheme.fields.length} fields, ${scheme.parameters} parameters, ${showBytes(bytes)}${ratio}`;
}

/** First text left-aligned, the others right-aligned. */
function align(lines: readonly (readonly string[])[]): string[] {
  const widths = lines[0]!.map((_, i) => Math.max(...lines.map((l) => l[i]!.length)));
  return lines.map((l) =>
    l
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join("  ")
      .trimEnd(),
  );
}

/** A field's dim; where rows differ, the average. */
function showDim({ dim, meanDim }: FieldUse): string {
  return meanDim === undefined ? String(dim) : meanDim.toFixed(2);
}

export function describeScheme(scheme: Scheme): string {
  const body = scheme
    .uses()
    .map((u) => [
      u.field,
      u.ids === undefined ? String(u.rows) : `${u.rows} of ${u.ids}`,
      showDim(u),
      showBytes(u.bytes),
      percent(u.share),
    ]);
  return [totalLine(scheme), ...align([["field", "rows", "dim", "bytes", "share"], ...body])].join("\n");
}

/** A bar a field: its dim (where rows differ, the average) out of the base dim; `width` characters are a full bar. */
export function drawScheme(scheme: Scheme, options: { readonly width?: number } = {}): string {
  const width = options.width ?? 32;
  const lines = scheme.uses().map((u) => {
    const filled = scheme.base === 0 ? 0 : Math.round((width * (u.meanDim ?? u.dim)) / scheme.base);
    // a field that has anything at all must be visible
    const shown = u.dim > 0 ? Math.max(1, filled) : 0;
    return [
      u.field,
      `${showDim(u)}/${scheme.base}`,
      "█".repeat(shown) + "░".repeat(width - shown),
      percent(u.share),
    ];
  });
  return [totalLine(scheme), ...align(lines)].join("\n");
}
