/** Which features a mask pruned: the decay that moves thresholds also shrinks what is rarely looked up. */
import type { Columns } from "@trimtab/data";
import type { ElementScheme } from "@trimtab/embeddings";

export interface RareShare {
  /** Features seen at most `atMost` times in training, and their share of all features. */
  readonly rareFeatures: number;
  readonly rareFeatureShare: number;
  /** Numbers that the mask left out. */
  readonly pruned: number;
  /** Share of the pruned numbers that belong to rare features; NaN if nothing was pruned. */
  readonly prunedInRare: number;
  /** Share of the numbers of rare features, and of the others, that was pruned; NaN where there are none. */
  readonly rarePruned: number;
  readonly frequentPruned: number;
}

/** Counts how often training looks up each feature, and sets that beside what a mask pruned. */
export function rareShare(scheme: ElementScheme, train: Columns, atMost: number): RareShare {
  const { base: dim } = scheme;
  const all = { rare: 0, frequent: 0 };
  const kept = { rare: 0, frequent: 0 };
  scheme.fields.forEach(({ rows }, f) => {
    const seen = new Uint32Array(rows);
    // padding of multi-valued fields is beyond the last id
    for (const id of train.ids[f]!) if (id < rows) seen[id]!++;
    const kindOf = (row: number) => (seen[row]! <= atMost ? "rare" : "frequent");
    for (let row = 0; row < rows; row++) all[kindOf(row)]++;
    scheme.eachNumber(f, (at) => kept[kindOf(Math.floor(at / dim))]++);
  });
  const lost = { rare: all.rare * dim - kept.rare, frequent: all.frequent * dim - kept.frequent };
  const pruned = lost.rare + lost.frequent;
  return {
    rareFeatures: all.rare,
    rareFeatureShare: all.rare / (all.rare + all.frequent),
    pruned,
    prunedInRare: lost.rare / pruned,
    rarePruned: lost.rare / (all.rare * dim),
    frequentPruned: lost.frequent / (all.frequent * dim),
  };
}
