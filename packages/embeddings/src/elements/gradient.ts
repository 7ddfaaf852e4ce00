/**
 * Training of the numbers that exist, and of nothing else. A batch's gradient comes a row at a time, [positions, d]; the numbers
 * lie in one list. So every number asks for its part: a u32 for each row says at which place of the batch's plan the row is,
 * and the number looks there. Nobody clears that u32: a place counts only if the plan has this very row there (the sparse set
 * of Briggs and Torczon, 1993). A step visits all K numbers, as whole-table Adam must; scattering from the touched rows instead
 * would need a place to write to for every number that does not exist.
 */
import {
  add,
  and,
  assignRows,
  customGradient,
  div,
  eq,
  expandDims,
  gather,
  iota,
  lt,
  minimum,
  mul,
  type PlanInputs,
  type Rule,
  reshape,
  segmentSum,
  sub,
  type Tensor,
  touched,
  type Variable,
  where,
} from "@trimtab/tensor-core";
import { TablesError } from "../errors.ts";
import { take } from "./bit-ops.ts";

/** What training holds beside the values. */
export interface TrainingArrays {
  /** u32 [K, 1]: row x dim + column of each number; of chunks of numbers, row x chunks of a row + chunk. */
  readonly addresses: Variable;
  /** u32 [N, 1]: the place of each row in the plan of the last batch that looked it up. */
  readonly places: Variable;
}

/** What a training batch looks up. */
export interface TrainedVectors {
  /** [B, S, d] */
  readonly vectors: Tensor;
  /** [capacity, d]: the vectors of the touched rows, in the plan's order; `vectors` has them from here. */
  readonly touched: Tensor;
}

/** For each gradient of `trainedVectors`: 1 where the number's row was looked up. */
const touchedBy = new WeakMap<Tensor, Tensor>();

/** Tells that `to` was made of the gradient `from` number by number, by clipping for one: rules of rows know what it touched. */
export function carryTouched(from: unknown, to: unknown): void {
  const was = touchedBy.get(from as Tensor);
  if (was) touchedBy.set(to as Tensor, was);
}

/**
 * Vectors [B, S, d] of the ids [B, S] of a training batch, with a gradient for `values` [K, c]: zero for numbers of rows that the batch did
 * not look up. c is 1 for single numbers, more for chunks of c. `read` finds the vectors [..., d] of ids of any shape; finding a number takes
 * bit counts or a search, so it is done once for each touched row, and positions read from there. Padding reads anything or zero.
 */
export function trainedVectors(
  read: (ids: Tensor, plan: PlanInputs) => Tensor,
  ids: Tensor,
  values: Variable,
  { addresses, places }: TrainingArrays,
  plan: PlanInputs,
): TrainedVectors {
  const { positions, capacity } = plan;
  const placed = assignRows(places, iota([capacity, 1]), plan);
  // behind the count lies whatever an earlier batch left there: nobody asks for it, but reading it must be harmless
  const rows = minimum(reshape(plan.rows, [capacity, 1]), places.shape[0]! - 1);
  const found = read(rows, plan);
  const dim = found.shape.at(-1)!;
  const [numbers, width] = values.shape as [number, number];
  const perRow = dim / width;
  const each = customGradient(touched(reshape(found, [capacity, dim]), plan), [values.value], (sums) => {
    const row = div(addresses.value, perRow);
    const place = minimum(take(placed, row), capacity - 1);
    const was = and(lt(place, plan.count), eq(take(rows, place), row));
    const column = sub(addresses.value, mul(row, perRow));
    const from = reshape(add(mul(place, perRow), column), [numbers]);
    const own = gather(reshape(sums, [capacity * perRow, width]), from);
    const gradient = where(was, own, 0);
    touchedBy.set(gradient, was);
    return [gradient];
  });
  const at = take(placed, ids);
  // a place behind the count is what an earlier batch left for an id that only pads this one
  const spread = where(expandDims(lt(at, plan.count), -1), gather(each, at), 0);
  const vectors = customGradient(spread, [each], (g) => [segmentSum(reshape(g, [positions, dim]), plan)]);
  return { vectors, touched: each };
}

/**
 * `rule` for the values of an element mask. Their gradient is dense, so rules of rows are asked for every number, and leave
 * numbers of rows that the batch did not look up as they are, moments and all: `rowAdam` means here what it means for a table.
 */
export function numberRule(rule: Rule): Rule {
  return {
    ...rule,
    rowsOnly: false,
    // L2 and decay are applied below; a rule that leaves untouched numbers alone needs no stamps of rows
    l2: 0,
    decay: 0,
    zeroGradientIsStill: true,
    apply: ({ weight, gradient, state, scalars }) => {
      const total = rule.l2 === 0 ? gradient : add(gradient, mul(weight, rule.l2));
      const next = rule.apply({ weight, gradient: total, state, scalars });
      if (!rule.rowsOnly) return next;
      const was = touchedBy.get(gradient);
      if (!was) {
        throw new TablesError(
          `${rule.name}: the gradient of an element mask's values is not that of one lookup; ` +
            "look each layout up once a program, or use a rule of whole tables.",
        );
      }
      const moved = (after: Tensor, before: Tensor) => where(was, after, before);
      return { weight: moved(next.weight, weight), state: next.state.map((s, i) => moved(s, state[i]!)) };
    },
  };
}
