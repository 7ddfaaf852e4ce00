/** The values of a draw, computed on the device: for large variables. */
import {
  add,
  type Device,
  div,
  type Feeds,
  gather,
  ge,
  input,
  iota,
  mul,
  randomNormal,
  reshape,
  shl,
  sub,
  sum,
  type Tensor,
  type Variable,
} from "@trimtab/tensor-core";
import type { BlockDraw, Draw, NumberDraw } from "./initial.ts";

/** The values of a draw as a graph, with what the program is fed and what must live until it has run. */
interface Made {
  readonly value: Tensor;
  readonly feeds: Feeds;
  readonly held?: Variable;
}

export function deviceNormals(device: Device, draw: Draw, seed: number): Made {
  return "addresses" in draw ? numberNormals(device, draw, seed) : blockNormals(draw, seed);
}

/** The last block that starts at or before each row; `row` [n, 1], `starts` [blocks, 1], -> [n]. */
function blockOf(row: Tensor, starts: Tensor): Tensor {
  const begun = ge(row, reshape(starts, [1, starts.shape[0]!]));
  return reshape(sub(sum(begun, [1]), 1), [row.shape[0]!]);
}

function startsOf(blocks: readonly { readonly rows: number }[]): Uint32Array {
  let at = 0;
  return Uint32Array.from(blocks, ({ rows }) => {
    at += rows;
    return at - rows;
  });
}

/** Single numbers: key and counter of each come from its address. */
function numberNormals(device: Device, draw: NumberDraw, seed: number): Made {
  const { variable, std, addresses, dim, numberBlocks } = draw;
  const { name } = variable;
  const shape = [addresses.length, 1];
  // as a variable, because all feeds share one buffer, which has a limit too
  const held = device.variable(`${name}.drawn`, shape, { dtype: "u32", data: addresses });
  const fields = input(`${name}.fields`, [numberBlocks.length, 1], "u32");
  const starts = input(`${name}.starts`, [numberBlocks.length, 1], "u32");
  const row = div(held.value, dim);
  const block = blockOf(row, starts);
  const keys = add(shl(gather(fields, block), 16), sub(held.value, mul(row, dim)));
  const rng = { seed: keys, step: sub(row, gather(starts, block)) };
  return {
    value: reshape(mul(randomNormal([], rng, seed), std), variable.shape),
    feeds: {
      [`${name}.fields`]: Uint32Array.from(numberBlocks, ({ field }) => field),
      [`${name}.starts`]: startsOf(numberBlocks),
    },
    held,
  };
}

/**
 * Blocks go in as the feeds `<name>.keys` and `<name>.starts`, so that the kernel does not
 * grow with their number.
 */
function blockNormals({ variable, std, blocks }: BlockDraw, seed: number): Made {
  const { name } = variable;
  const dim = blocks[0]!.keys.length;
  const rows = variable.size / dim;
  const keys = input(`${name}.keys`, [blocks.length, dim], "u32");
  const starts = input(`${name}.starts`, [blocks.length, 1], "u32");
  const row = iota([rows, 1]);
  const block = blockOf(row, starts);
  // an rng of scalar shape: the shape comes from the key [rows, dim] and the counter [rows, 1]
  const rng = { seed: gather(keys, block), step: sub(row, gather(starts, block)) };
  const normal = randomNormal([], rng, seed);
  return {
    value: reshape(mul(normal, std), variable.shape),
    feeds: {
      [`${name}.keys`]: Uint32Array.from(blocks.flatMap((b) => b.keys)),
      [`${name}.starts`]: startsOf(blocks),
    },
  };
}
