/** Ops that only change how elements are addressed; the compiler makes most of them free. */
import { ShapeError } from "../errors.ts";
import { broadcastShapes, type Shape, sameShape, showShape, sizeOf } from "../shape.ts";
import { zeros } from "./leaves.ts";
import { Tensor } from "./tensor.ts";

/** The same elements in row-major order under another shape; one extent may be -1. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const known = shape.reduce((n, d) => (d === -1 ? n : n * d), 1);
  const wild = shape.filter((d) => d === -1).length;
  const full = shape.map((d) => (d === -1 ? sizeOf(x.shape) / known : d));
  if (wild > 1 || sizeOf(full) !== sizeOf(x.shape)) {
    throw new ShapeError(
      `reshape: ${showShape(x.shape)} (${sizeOf(x.shape)} elements) cannot become ${showShape(shape)}.`,
    );
  }
  if (sameShape(full, x.shape)) return x;
  return new Tensor({ kind: "reshape" }, [x], full, x.dtype);
}

/** Axis k of the result is axis order[k] of x. */
export function permute(x: Tensor, order: readonly number[]): Tensor {
  const fits = order.length === x.shape.length && [...order].sort((a, b) => a - b).every((o, i) => o === i);
  if (!fits)
    throw new ShapeError(`permute: order ${showShape(order)} does not fit shape ${showShape(x.shape)}.`);
  if (order.every((o, i) => o === i)) return x;
  return new Tensor(
    { kind: "permute", order: [...order] },
    [x],
    order.map((o) => x.shape[o]!),
    x.dtype,
  );
}

/** Swaps the last two axes. */
export function transpose(x: Tensor): Tensor {
  const r = x.shape.length;
  if (r < 2) throw new ShapeError(`transpose: needs at least 2 axes, got shape ${showShape(x.shape)}.`);
  const order = x.shape.map((_, i) => i);
  order[r - 1] = r - 2;
  order[r - 2] = r - 1;
  return permute(x, order);
}

/** Repeats axes of extent 1 and adds leading axes, by NumPy's rule. */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  if (!sameShape(broadcastShapes("broadcastTo", x.shape, shape), shape)) {
    throw new ShapeError(`broadcastTo: ${showShape(x.shape)} cannot become ${showShape(shape)}.`);
  }
  return new Tensor({ kind: "broadcast" }, [x], [...shape], x.dtype);
}

/** Elements start[k] .. end[k]-1 of every axis. */
export function slice(x: Tensor, start: readonly number[], end: readonly number[]): Tensor {
  const ok =
    start.length === x.shape.length &&
    end.length === x.shape.length &&
    start.every((s, i) => Number.isInteger(s) && s >= 0 && s <= end[i]! && end[i]! <= x.shape[i]!);
  if (!ok) {
    throw new ShapeError(
      `slice: ${showShape(start)} to ${showShape(end)} does not lie inside shape ${showShape(x.shape)}.`,
    );
  }
  const shape = end.map((e, i) => e - start[i]!);
  if (sameShape(shape, x.shape)) return x;
  return new Tensor({ kind: "slice", start: [...start] }, [x], shape, x.dtype);
}

/** Elements start..end-1 of one axis. */
export function sliceAxis(x: Tensor, axis: number, start: number, end: number): Tensor {
  const from = x.shape.map((_, i) => (i === axis ? start : 0));
  const to = x.shape.map((d, i) => (i === axis ? end : d));
  return slice(x, from, to);
}

/** Joins tensors along one axis; the other extents and dtypes must agree. */
export function concat(parts: readonly Tensor[], axis: number): Tensor {
  const first = parts[0];
  if (!first) throw new ShapeError("concat: needs at least one tensor.");
  const at = axis < 0 ? axis + first.shape.length : axis;
  if (at < 0 || at >= first.shape.length) {
    throw new ShapeError(`concat: axis ${axis} is out of range for shape ${showShape(first.shape)}.`);
  }
  for (const p of parts) {
    const fits =
      p.dtype === first.dtype &&
      p.shape.length === first.shape.length &&
      p.shape.every((d, i) => i === at || d === first.shape[i]);
    if (!fits) {
      throw new ShapeError(
        `concat: ${p.dtype} ${showShape(p.shape)} does not join ${first.dtype} ${showShape(first.shape)} along axis ${at}.`,
      );
    }
  }
  const full = parts.filter((p) => p.shape[at] !== 0);
  if (full.length === 1) return full[0]!;
  if (full.length === 0) return first;
  const shape = first.shape.map((d, i) => (i === at ? full.reduce((n, p) => n + p.shape[at]!, 0) : d));
  return new Tensor({ kind: "concat", axis: at }, full, shape, first.dtype);
}

/** Puts x into zeros of `shape`, its first element at `start`; the reverse of slice. */
export function pad(x: Tensor, start: readonly number[], shape: Shape): Tensor {
  let out = x;
  for (let axis = 0; axis < shape.length; axis++) {
    const before = start[axis]!;
    const after = shape[axis]! - before - out.shape[axis]!;
    const block = (extent: number) =>
      zeros(
        out.shape.map((d, i) => (i === axis ? extent : d)),
        x.dtype,
      );
    out = concat([block(before), out, block(after)], axis);
  }
  return out;
}

/** Adds axes of extent 1 before position `axis`. */
export function expandDims(x: Tensor, axis: number): Tensor {
  const at = axis < 0 ? axis + x.shape.length + 1 : axis;
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}
