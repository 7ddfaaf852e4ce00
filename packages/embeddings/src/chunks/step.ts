/** The store's part of a training step as a graph: looked-up vectors, and what their gradients change. */
import {
  add,
  and,
  assignRows,
  cast,
  customGradient,
  type Feeds,
  gather,
  input,
  mul,
  type PlanInputs,
  type RowGradient,
  reshape,
  rows,
  segmentSum,
  shr,
  sliceAxis,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  touched,
  where,
} from "@trimtab/tensor-core";
import { type List, list, placesAlone } from "./lists.ts";
import type { StoreShape } from "./options.ts";
import type { Pool } from "./pool.ts";
import type { PlannedBatch, Resolver } from "./resolver.ts";

/** Up to this many numbers of a chunk are squared in place; more are summed by a kernel of their own. */
const UNROLLED = 16;

/** What a training step is fed beside the batch and its plan, by name. */
export interface StepInputs {
  /** capacity x K at most: the address of each chunk of the plan's rows, 0 where it is not live. */
  readonly chunks: PlanInputs;
  /** u32 [B, S]: which of the plan's rows each position has. */
  readonly inverse: Tensor;
  readonly live: List;
  /** None where the store has no slots for candidates. */
  readonly tracked?: List;
  /** f32: what gains are multiplied by. */
  readonly gain: Tensor;
  /** Prefix of the optimizer's scalars: `<group>.lr` and so on. */
  readonly group: string;
}

/** The inputs for B x S positions with a plan of up to `capacity` rows; their names begin with `<layout>.`. */
export function stepInputs(
  shape: StoreShape,
  [batch, slots]: readonly [number, number],
  { capacity }: Pick<PlanInputs, "capacity">,
  group: string,
): StepInputs {
  const { name } = shape.layout;
  const most = capacity * shape.chunks;
  return {
    chunks: placesAlone(`${name}.chunks`, most),
    inverse: input(`${name}.inverse`, [batch, slots], "u32"),
    live: list(`${name}.live`, most),
    tracked: shape.candidates > 0 ? list(`${name}.tracked`, Math.min(most, shape.candidates)) : undefined,
    gain: input(`${name}.gain`, []),
    group,
  };
}

/** What a resolved batch feeds to `stepInputs`; the arrays are the resolver's own. */
export function stepFeeds(
  { layout: { name }, chunks, candidates }: StoreShape,
  resolver: Resolver,
  batch: { readonly plan: PlannedBatch; readonly positions: number; readonly gain: number },
): Feeds {
  const { plan, positions, gain } = batch;
  const feeds: Record<string, Feeds[string]> = {
    [`${name}.chunks.rows`]: resolver.chunks.subarray(0, plan.count * chunks),
    [`${name}.chunks.count`]: plan.count * chunks,
    [`${name}.inverse`]: resolver.invert(plan, positions),
    [`${name}.live.rows`]: resolver.liveRows.subarray(0, resolver.live),
    [`${name}.live.source`]: resolver.liveSources.subarray(0, resolver.live),
    [`${name}.live.count`]: resolver.live,
    [`${name}.gain`]: gain,
  };
  if (candidates > 0) {
    feeds[`${name}.tracked.rows`] = resolver.trackedRows.subarray(0, resolver.tracked);
    feeds[`${name}.tracked.source`] = resolver.trackedSources.subarray(0, resolver.tracked);
    feeds[`${name}.tracked.count`] = resolver.tracked;
  }
  return feeds;
}

/** The vectors of a training step; the gradient of the touched ones is the whole gradient. */
export interface StepVectors {
  /** [B, S, d] */
  readonly vectors: Tensor;
  /** [capacity, d]: of the rows of the plan, in its order. */
  readonly touched: Tensor;
}

/** Vectors are put together from their chunks once a touched row; positions read from there. */
export function vectorsOf(
  shape: StoreShape,
  pool: Pool,
  { chunks, inverse }: StepInputs,
  plan: PlanInputs,
): StepVectors {
  const { dim } = shape;
  const { capacity, positions } = plan;
  const found = touched(rows(pool.values.value, chunks), chunks);
  const each = reshape(found, [capacity, dim]);
  const spread = gather(each, inverse);
  const vectors = customGradient(spread, [each], (g) => [segmentSum(reshape(g, [positions, dim]), plan)]);
  return { vectors, touched: each };
}

/** Vectors [B, S, d] for scoring, from addresses u32 [B, S, K]. */
export function scoredVectors(shape: StoreShape, pool: Pool, addresses: Tensor): Tensor {
  const [batch, slots] = addresses.shape as [number, number];
  return reshape(gather(pool.values.value, addresses), [batch, slots, shape.dim]);
}

/** Moves of the live chunks that a batch touched, and of the utilities of these and of the touched candidates. */
export function updatesOf(
  { shape, pool }: { readonly shape: StoreShape; readonly pool: Pool },
  gradient: RowGradient,
  { live, tracked, gain, group }: StepInputs,
): Tensor[] {
  const { rule, chunks, width } = shape;
  const { plan } = gradient;
  const most = plan.rows.shape[0]!;
  // one summed gradient for each of the plan's rows, cut into chunks
  const sums = reshape(gradient.rows, [most * chunks, width]);
  const own = gather(sums, live.source);
  const weight = rows(pool.values.value, live.plan);
  const scalars = Object.fromEntries(
    ["lr", ...rule.scalarNames].map((name) => [name, input(`${group}.${name}`, [])]),
  );
  const next = rule.apply({
    weight,
    gradient: rule.l2 === 0 ? own : add(own, mul(weight, rule.l2)),
    state: pool.slots.map((slot) => rows(slot.value, live.plan)),
    scalars,
  });
  // accesses x gradient norm of every chunk of the batch, computed once and side by side: the kernels that add them up, chunk by chunk all
  // over the pool, are so short then that the processor waits for the memory of many at a time
  const { offsets } = plan;
  const accesses = cast(sub(sliceAxis(offsets, 0, 1, most + 1), sliceAxis(offsets, 0, 0, most)), "f32");
  const norms = reshape(norm(sums), [most, chunks]);
  const gains = touched(mul(mul(reshape(accesses, [most, 1]), norms), gain), plan);
  const gainOf = (source: Tensor): Tensor => gather(reshape(gains, [most * chunks, 1]), source);
  const out = [
    assignRows(pool.values, next.weight, live.plan),
    ...pool.slots.map((slot, i) => assignRows(slot, next.state[i]!, live.plan)),
    assignRows(pool.utility, add(rows(pool.utility.value, live.plan), gainOf(live.source)), live.plan),
  ];
  if (!tracked) return out;
  const fresh = reshape(shr(tracked.source, 31), [tracked.source.shape[0]!, 1]);
  const before = where(fresh, 0, rows(pool.candidates.value, tracked.plan));
  const gained = gainOf(and(tracked.source, 0x7fff_ffff));
  out.push(assignRows(pool.candidates, add(before, gained), tracked.plan));
  return out;
}

/** Euclidean norm of each row, [n, c] -> [n, 1]. */
function norm(x: Tensor): Tensor {
  const width = x.shape[1]!;
  if (width > UNROLLED) return sqrt(sum(square(x), [1], { keep: true }));
  let total: Tensor | undefined;
  for (let j = 0; j < width; j++) {
    const part = square(sliceAxis(x, 1, j, j + 1));
    total = total ? add(total, part) : part;
  }
  return sqrt(total!);
}
