import { expect, test } from "bun:test";
import { PAD } from "@trimtab/data";
import { elements } from "@trimtab/embeddings";
import { rareShare } from "../src/index.ts";

test("pruned numbers of rare and of frequent features, counted by hand", () => {
  const fields = [
    { name: "a", rows: 3, slots: 1 },
    { name: "b", rows: 2, slots: 2 },
  ];
  // a: row 0 keeps both, row 1 one, row 2 none; b: row 0 one, row 1 none
  const scheme = elements(fields, { dim: 2, masks: [Uint32Array.of(0b000111), Uint32Array.of(0b0001)] });
  const train = {
    rows: 4,
    labels: new Float32Array(4),
    // a: 0 three times, 1 once, 2 never; b: 0 twice, 1 once
    ids: [Uint32Array.of(0, 0, 0, 1), Uint32Array.of(0, PAD, 0, 1, PAD, PAD, PAD, PAD)],
  };
  expect(rareShare(scheme, train, 1)).toEqual({
    rareFeatures: 3,
    rareFeatureShare: 3 / 5,
    pruned: 6,
    prunedInRare: 5 / 6,
    rarePruned: 5 / 6,
    frequentPruned: 1 / 4,
  });
  expect(rareShare(scheme, train, 3).frequentPruned).toBeNaN();
});
