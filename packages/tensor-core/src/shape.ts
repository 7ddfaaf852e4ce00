import { ShapeError } from "./errors.ts";

/** Extents, outermost first; `[]` is a scalar; extents may be 0. */
export type Shape = readonly number[];

/** Number of elements. */
export function sizeOf(shape: Shape): number {
  let n = 1;
  for (const d of shape) n *= d;
  return n;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}

export function showShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** Row-major strides of a dense array; axes of extent 1 get stride 0, so that equal layouts compare equal. */
export function denseStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length).fill(0);
  let s = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = shape[i] === 1 ? 0 : s;
    s *= shape[i]!;
  }
  return strides;
}

/** The common shape of two operands by NumPy's rule, or ShapeError with both shapes and the op's name. */
export function broadcastShapes(op: string, a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  const out = new Array<number>(rank);
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) {
      throw new ShapeError(
        `${op}: shapes ${showShape(a)} and ${showShape(b)} do not broadcast (axis ${i} has ${x} and ${y}); ` +
          "extents must be equal or 1.",
      );
    }
    out[i] = x === 1 ? y : x;
  }
  return out;
}

/** Turns negative axes into positive ones, refuses repeats and axes out of range; ascending. */
export function normalizeAxes(op: string, rank: number, axes: readonly number[]): number[] {
  const out = axes.map((axis) => {
    const a = axis < 0 ? axis + rank : axis;
    if (!Number.isInteger(axis) || a < 0 || a >= rank) {
      throw new ShapeError(`${op}: axis ${axis} is out of range for a tensor of ${rank} axes.`);
    }
    return a;
  });
  if (new Set(out).size !== out.length)
    throw new ShapeError(`${op}: axis named twice in ${showShape(axes)}.`);
  return out.sort((x, y) => x - y);
}

export function checkShape(what: string, shape: Shape): void {
  for (const d of shape) {
    if (!Number.isInteger(d) || d < 0) {
      throw new ShapeError(`${what}: shape ${showShape(shape)} must hold whole numbers of at least 0.`);
    }
  }
  if (shape.length > 8) throw new ShapeError(`${what}: shape ${showShape(shape)} has more than 8 axes.`);
}
