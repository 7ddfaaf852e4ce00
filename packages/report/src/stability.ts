/** How much the seeds of one method and budget agree on what to keep. */
import { ElementScheme, type Scheme } from "@trimtab/embeddings";
import { rankCorrelation, stability } from "@trimtab/eval";
import type { StabilityLine } from "./model.ts";
import { keptOf, rowsDiffer } from "./shape.ts";

/** Undefined with fewer than two seeds. */
export function stabilityOf(
  method: string,
  budget: string,
  schemes: readonly Scheme[],
): StabilityLine | undefined {
  if (schemes.length < 2) return undefined;
  const runs = schemes.length;
  if (!schemes.some(rowsDiffer)) {
    const { agreement, meanAbsLog2Ratio, rankCorrelation } = stability(schemes.map(({ dims }) => dims));
    return { method, budget, runs, agreement, meanAbsLog2Ratio, rankCorrelation, shared: null };
  }
  // a dim of the largest row, or a mean that is never equal, would only look like a dim of the field
  const kept = schemes.map(keptOf);
  const pairs = schemes.flatMap((_, i) => schemes.slice(i + 1).map((_, j) => [i, i + 1 + j] as const));
  const ranks = pairs.map(([i, j]) => rankCorrelation(kept[i]!, kept[j]!)).filter((r) => r !== null);
  const shares = pairs.map(([i, j]) => sharedOf(schemes[i]!, schemes[j]!)).filter((s) => s !== null);
  return {
    method,
    budget,
    runs,
    agreement: null,
    meanAbsLog2Ratio: null,
    rankCorrelation: meanOf(ranks),
    shared: meanOf(shares),
  };
}

function sharedOf(a: Scheme, b: Scheme): number | null {
  if (!rowsDiffer(a) || !rowsDiffer(b) || a.kind !== b.kind) return null;
  if (a instanceof ElementScheme) return b instanceof ElementScheme ? a.shared(b) : null;
  return b instanceof ElementScheme || a.chunks !== b.chunks ? null : a.shared(b);
}

const meanOf = (values: readonly number[]) =>
  values.length === 0 ? null : values.reduce((x, y) => x + y, 0) / values.length;
