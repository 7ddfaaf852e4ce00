/** Reductions over axes. */
import { DTypeError, ShapeError } from "../errors.ts";
import type { FoldName } from "../kernels/ir.ts";
import { normalizeAxes, showShape } from "../shape.ts";
import { mul } from "./elementwise.ts";
import { constant } from "./leaves.ts";
import { Tensor } from "./tensor.ts";
import { reshape } from "./views.ts";

/** How a fold leaves its axes. */
export interface FoldOptions {
  /** Keep folded axes with extent 1. */
  readonly keep?: boolean;
}

function fold(name: FoldName, x: Tensor, axes: readonly number[] | undefined, options: FoldOptions): Tensor {
  const list = normalizeAxes(name, x.shape.length, axes ?? x.shape.map((_, i) => i));
  if (name !== "sum" && list.some((a) => x.shape[a] === 0)) {
    throw new ShapeError(
      `${name}: shape ${showShape(x.shape)} has nothing to fold along axes ${showShape(list)}.`,
    );
  }
  if (name === "sum" && x.dtype !== "f32" && x.dtype !== "u32" && x.dtype !== "i32") {
    throw new DTypeError(`sum: cannot add ${x.dtype}.`);
  }
  const kept = x.shape.map((d, i) => (list.includes(i) ? 1 : d));
  const live = list.filter((a) => x.shape[a] !== 1);
  const folded = live.length === 0 ? x : new Tensor({ kind: "fold", name, axes: live }, [x], kept, x.dtype);
  if (options.keep) return folded;
  return reshape(
    folded,
    x.shape.filter((_, i) => !list.includes(i)),
  );
}

/** Sum over `axes` (all when left out; negative ones count from the end); 0 over nothing. Integers wrap around. */
export const sum = (x: Tensor, axes?: readonly number[], options: FoldOptions = {}): Tensor =>
  fold("sum", x, axes, options);
/** Largest element over `axes` (all when left out). Ties share the gradient. Throws ShapeError over nothing. */
export const max = (x: Tensor, axes?: readonly number[], options: FoldOptions = {}): Tensor =>
  fold("max", x, axes, options);
/** Smallest element over `axes` (all when left out), else as `max`. */
export const min = (x: Tensor, axes?: readonly number[], options: FoldOptions = {}): Tensor =>
  fold("min", x, axes, options);

/** Arithmetic mean over `axes` (all when left out), f32. */
export function mean(x: Tensor, axes?: readonly number[], options: FoldOptions = {}): Tensor {
  const list = normalizeAxes("mean", x.shape.length, axes ?? x.shape.map((_, i) => i));
  const n = list.reduce((p, a) => p * x.shape[a]!, 1);
  if (n === 0)
    throw new ShapeError(`mean: shape ${showShape(x.shape)} has no element along axes ${showShape(list)}.`);
  return mul(fold("sum", x, list, options), constant(1 / n));
}
