/** Bit arithmetic on the device, written with graph ops: set bits, their number before a place, and bisection. */
import {
  add,
  and,
  constant,
  eq,
  expandDims,
  gather,
  iota,
  lt,
  maximum,
  minimum,
  mul,
  or,
  type PlanInputs,
  reshape,
  shl,
  shr,
  sliceAxis,
  sub,
  sum,
  type Tensor,
  touched,
  type Variable,
  where,
  xor,
} from "@trimtab/tensor-core";
import { RANK_WORDS } from "./layouts.ts";

/** Elements of a variable [n, 1] at `places` (u32 [...], each below n): as `places`. */
export function take(list: Tensor, places: Tensor): Tensor {
  return reshape(gather(list, places), places.shape);
}

/** A bitset on the device with the counts of `index-arrays.ts`. */
export interface DeviceBits {
  /** u32 [words, 1] */
  readonly words: Variable;
  /** u32 [ceil(words / 16), 1]: bits set before each group of 16 words. */
  readonly counts: Variable;
}

/** 1 where bit `p` is set, else 0. */
export function bitAt({ words }: DeviceBits, p: Tensor): Tensor {
  return and(shr(take(words.value, shr(p, 5)), and(p, 31)), 1);
}

/** The 32 bits from bit p on; what lies behind the set is not defined. */
export function wordAt({ words }: DeviceBits, p: Tensor): Tensor {
  const first = shr(p, 5);
  const by = and(p, 31);
  const head = shr(take(words.value, first), by);
  const next = take(words.value, minimum(add(first, 1), words.size - 1));
  // a shift by 32 is not defined
  return or(head, where(by, shl(next, and(sub(32, by), 31)), constant(0, "u32")));
}

/**
 * Set bits before bit p, for p inside the set: at most 16 words are read. With a plan p belongs to its rows, [capacity, 1], and
 * words are read for those that the batch touches.
 */
export function rank({ words, counts }: DeviceBits, p: Tensor, plan?: PlanInputs): Tensor {
  const group = shr(p, Math.log2(32 * RANK_WORDS));
  const word = add(expandDims(mul(group, RANK_WORDS), -1), along(p, RANK_WORDS));
  const loaded = take(words.value, minimum(word, words.size - 1));
  const set = popcount(and(loaded, below(expandDims(p, -1), word)));
  const before = take(counts.value, group);
  if (!plan) return add(before, sum(set, [-1]));
  // a fold is a kernel of its own, which knows nothing of touched rows; additions are part of the kernel that asks for them
  const each = touched(reshape(set, [plan.capacity, RANK_WORDS]), plan);
  let inside = before;
  for (let w = 0; w < RANK_WORDS; w++) inside = add(inside, sliceAxis(each, 1, w, w + 1));
  return touched(inside, plan);
}

/** Set bits among from .. to-1, where at most `span` words lie between. */
export function countBetween({ words }: DeviceBits, from: Tensor, to: Tensor, span: number): Tensor {
  const first = expandDims(from, -1);
  const word = add(shr(first, 5), along(from, span));
  const loaded = take(words.value, minimum(word, words.size - 1));
  // bits below `from` are below `to` as well
  const mask = xor(below(expandDims(to, -1), word), below(first, word));
  return sum(popcount(and(loaded, mask)), [-1]);
}

/** Words that the bits of a row before its last can touch, over all rows of `dim` bits. */
export function wordSpan(dim: number): number {
  let aligned = 1;
  while (aligned < 32 && dim % (2 * aligned) === 0) aligned *= 2;
  return Math.floor((32 - aligned + Math.max(0, dim - 2)) / 32) + 1;
}

/**
 * The first place in [low, high) whose key is not below `target`, or `high`: bisection in `steps` steps, enough for ranges of
 * up to 2^steps - 1 places. `keyAt` is asked for places up to `last`.
 */
export function lowerBound(
  range: { readonly low: Tensor; readonly high: Tensor; readonly steps: number; readonly last: number },
  target: Tensor,
  keyAt: (place: Tensor) => Tensor,
): Tensor {
  let { low, high } = range;
  for (let step = 0; step < range.steps; step++) {
    const middle = add(low, shr(sub(high, low), 1));
    const right = and(lt(low, high), lt(keyAt(minimum(middle, range.last)), target));
    low = where(right, add(middle, 1), low);
    high = where(right, high, middle);
  }
  return low;
}

/** Bisection steps for a range of up to `places` places. */
export function stepsFor(places: number): number {
  return Math.ceil(Math.log2(places + 1));
}

/** 0 .. n-1 along a new last axis of x. */
function along(x: Tensor, n: number): Tensor {
  return iota([...x.shape.map(() => 1), n]);
}

/** The bits of word number `word` that lie below bit address p, set. */
function below(p: Tensor, word: Tensor): Tensor {
  const start = mul(word, 32);
  const n = sub(minimum(maximum(p, start), add(start, 32)), start);
  // a shift by 32 is not defined
  const some = sub(shl(constant(1, "u32"), minimum(n, 31)), 1);
  return where(eq(n, 32), constant(0xffffffff, "u32"), some);
}

/** Set bits of each word, by adding neighbours of 1, 2 and 4 bits, then all four bytes with one product. */
export function popcount(x: Tensor): Tensor {
  const pairs = sub(x, and(shr(x, 1), 0x55555555));
  const nibbles = add(and(pairs, 0x33333333), and(shr(pairs, 2), 0x33333333));
  const bytes = and(add(nibbles, shr(nibbles, 4)), 0x0f0f0f0f);
  return shr(mul(bytes, 0x01010101), 24);
}
