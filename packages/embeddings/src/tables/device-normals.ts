import {
  type Feeds,
  gather,
  ge,
  input,
  iota,
  mul,
  randomNormal,
  reshape,
  sub,
  sum,
  type Tensor,
} from "@trimtab/tensor-core";
import type { Draw } from "./initial.ts";

/**
 * The values of a draw as a graph. Blocks go in as the feeds `<name>.keys` and `<name>.starts`, so that the kernel does not
 * grow with their number.
 */
export function deviceNormals(
  { variable, std, blocks }: Draw,
  seed: number,
): { readonly value: Tensor; readonly feeds: Feeds } {
  const { name } = variable;
  const dim = blocks[0]!.keys.length;
  const rows = variable.size / dim;
  const keys = input(`${name}.keys`, [blocks.length, dim], "u32");
  const starts = input(`${name}.starts`, [blocks.length, 1], "u32");
  const row = iota([rows, 1]);
  // the last block that starts at or before this row
  const begun = ge(row, reshape(starts, [1, blocks.length]));
  const block = reshape(sub(sum(begun, [1]), 1), [rows]);
  // an rng of scalar shape: the shape comes from the key [rows, dim] and the counter [rows, 1]
  const rng = { seed: gather(keys, block), step: sub(row, gather(starts, block)) };
  const normal = randomNormal([], rng, seed);
  let at = 0;
  const offsets = blocks.map((b) => {
    at += b.rows;
    return at - b.rows;
  });
  return {
    value: reshape(mul(normal, std), variable.shape),
    feeds: {
      [`${name}.keys`]: Uint32Array.from(blocks.flatMap((b) => b.keys)),
      [`${name}.starts`]: Uint32Array.from(offsets),
    },
  };
}
