/** Where the numbers of looked-up rows lie in the list of values, for each layout; all on the device. */
import {
  add,
  and,
  broadcastTo,
  constant,
  eq,
  expandDims,
  iota,
  lt,
  minimum,
  mul,
  type PlanInputs,
  shl,
  shr,
  sub,
  type Tensor,
  type Variable,
  where,
} from "@trimtab/tensor-core";
import {
  bitAt,
  countBetween,
  type DeviceBits,
  lowerBound,
  popcount,
  rank,
  stepsFor,
  take,
  wordAt,
  wordSpan,
} from "./bit-ops.ts";
import { columnBits, type ElementLayout } from "./layouts.ts";

/** Index variables by the names of `index-arrays.ts`, each u32 [n, 1]. */
export type DeviceIndex = ReadonlyMap<string, Variable>;

export interface FindOptions {
  readonly layout: ElementLayout;
  readonly index: DeviceIndex;
  readonly dim: number;
  /** K */
  readonly numbers: number;
  /** Most numbers of a row. */
  readonly largest: number;
  /** The ids are the rows of this plan, [capacity, 1]: work is done for those that the batch touches. */
  readonly plan?: PlanInputs;
}

/** For ids [B, S]: whether each of a row's `dim` numbers exists (0 or 1) and its place among the values, both [B, S, dim]. */
export interface Found {
  readonly exists: Tensor;
  /** Below K everywhere, meaningful where the number exists. */
  readonly place: Tensor;
}

export function find(options: FindOptions, ids: Tensor): Found {
  const { layout, dim } = options;
  const columns = iota([1, 1, dim]);
  const found = finders[layout](options, ids, columns);
  const shape = [...ids.shape, dim];
  return {
    exists: broadcastTo(found.exists, shape),
    place: broadcastTo(minimum(found.place, options.numbers - 1), shape),
  };
}

type Finder = (options: FindOptions, ids: Tensor, columns: Tensor) => Found;

const finders: { [L in ElementLayout]: Finder } = {
  bitmask: ({ index, dim, plan }, ids, columns) =>
    inBits(bitsOf(index, "mask", "maskCounts"), mul(ids, dim), dim, columns, plan),

  "row-bitmask": ({ index, dim, plan }, ids, columns) => {
    const rows = bitsOf(index, "rows", "rowCounts");
    const filled = bitAt(rows, ids);
    const mask = bitsOf(index, "mask", "maskCounts");
    // what a plan does not count has no rank, but a place that can be read
    const among = minimum(rank(rows, ids, plan), Math.floor((32 * mask.words.size) / dim) - 1);
    // an empty row looks at the first filled one, and finds nothing there
    const place = where(filled, among, constant(0, "u32"));
    const found = inBits(mask, mul(place, dim), dim, columns, plan);
    return { exists: and(found.exists, expandDims(filled, -1)), place: found.place };
  },

  csr: ({ index, dim, numbers, largest }, ids, columns) => {
    const starts = index.get("starts")!.value;
    const packed = index.get("columns")!.value;
    const bits = columnBits(dim);
    const perWord = 32 / bits;
    const columnAt = (place: Tensor) => {
      const word = take(packed, shr(place, Math.log2(perWord)));
      return and(shr(word, mul(and(place, perWord - 1), bits)), 2 ** bits - 1);
    };
    const low = expandDims(take(starts, ids), -1);
    const high = expandDims(take(starts, add(ids, 1)), -1);
    const range = { low, high, steps: stepsFor(largest), last: numbers - 1 };
    const place = lowerBound(range, columns, columnAt);
    const last = minimum(place, numbers - 1);
    return { exists: and(lt(place, high), eq(columnAt(last), columns)), place };
  },

  coo: ({ index, dim, numbers, largest }, ids, columns) => {
    const addresses = index.get("addresses")!.value;
    const addressAt = (place: Tensor) => take(addresses, place);
    const first = mul(ids, dim);
    const all = { low: constant(0, "u32"), high: constant(numbers, "u32"), last: numbers - 1 };
    const start = lowerBound({ ...all, steps: stepsFor(numbers) }, first, addressAt);
    const low = expandDims(start, -1);
    const high = minimum(add(low, largest), numbers);
    const target = add(expandDims(first, -1), columns);
    const place = lowerBound({ low, high, steps: stepsFor(largest), last: numbers - 1 }, target, addressAt);
    const exists = and(lt(place, numbers), eq(addressAt(minimum(place, numbers - 1)), target));
    return { exists, place };
  },
};

function bitsOf(index: DeviceIndex, words: string, counts: string): DeviceBits {
  return { words: index.get(words)!, counts: index.get(counts)! };
}

/** Rows of `dim` bits that begin at `start` [B, S]: each bit, and how many are set before it in the whole set. */
function inBits(bits: DeviceBits, start: Tensor, dim: number, columns: Tensor, plan?: PlanInputs): Found {
  const before = expandDims(rank(bits, start, plan), -1);
  if (dim <= 32) {
    // one word a row, loaded once a row; what is left for each number is a shift and a popcount
    const row = expandDims(wordAt(bits, start), -1);
    const left = and(row, sub(shl(constant(1, "u32"), columns), 1));
    return { exists: and(shr(row, columns), 1), place: add(before, popcount(left)) };
  }
  const from = expandDims(start, -1);
  const p = add(from, columns);
  const inside = countBetween(bits, broadcastTo(from, p.shape), p, wordSpan(dim));
  return { exists: bitAt(bits, p), place: add(before, inside) };
}
