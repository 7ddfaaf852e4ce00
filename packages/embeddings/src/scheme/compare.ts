import { RowChunkScheme } from "../chunks/scheme.ts";
import { ElementScheme } from "../elements/elements.ts";
import { SchemeError } from "../errors.ts";
import type { Scheme } from "./scheme.ts";

/** How far two schemes over the same fields are apart. */
export interface SchemeComparison {
  readonly fields: number;
  /** Fields with the same dim in both. */
  readonly identical: number;
  /** Mean over fields of |log2(d_a / d_b)|; ours: dim 0 counts as one half, so that a dropped field is at a finite distance. */
  readonly meanAbsLog2Ratio: number;
  /** sum |d_a - d_b| / sum max(d_a, d_b): 0 for equal dims, 1 if no field has an embedding in both. */
  readonly relativeL1: number;
  /** Of two element masks, or two row-chunk schemes: numbers that exist in both over numbers that exist in either, 1 if neither has any. null for other kinds. */
  readonly sharedNumbers: number | null;
  /** Serve bytes of b over those of a; null if a has none. */
  readonly bytesRatio: number | null;
}

/** Compares the dims of two schemes field by field. Throws SchemeError if their fields differ. */
export function compareSchemes(a: Scheme, b: Scheme): SchemeComparison {
  const same =
    a.fields.length === b.fields.length &&
    a.fields.every((f, i) => f.name === b.fields[i]!.name && f.rows === b.fields[i]!.rows);
  if (!same) {
    throw new SchemeError(
      `compareSchemes: the schemes are over different fields (${a.fields.length} and ${b.fields.length}); ` +
        "compare schemes of one dataset.",
    );
  }
  let identical = 0;
  let ratio = 0;
  let apart = 0;
  let largest = 0;
  a.dims.forEach((x, f) => {
    const y = b.dims[f]!;
    if (x === y) identical++;
    ratio += Math.abs(Math.log2((x || 0.5) / (y || 0.5)));
    apart += Math.abs(x - y);
    largest += Math.max(x, y);
  });
  const bytes = a.serveBytes();
  return {
    fields: a.fields.length,
    identical,
    meanAbsLog2Ratio: ratio / a.fields.length,
    relativeL1: largest === 0 ? 0 : apart / largest,
    sharedNumbers: sharedOf(a, b),
    bytesRatio: bytes === 0 ? null : b.serveBytes() / bytes,
  };
}

function sharedOf(a: Scheme, b: Scheme): number | null {
  if (a instanceof ElementScheme && b instanceof ElementScheme) return a.shared(b);
  if (a instanceof RowChunkScheme && b instanceof RowChunkScheme) return a.shared(b);
  return null;
}
