/**
 * A strided layout and the ops that re-address it. Views of the graph never move data: a chain of them between a
 * kernel's iteration space and a buffer becomes one set of strides, or is found impossible (only reshape can be).
 */
import { denseStrides, type Shape } from "../shape.ts";

export interface Layout {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
}

export type ViewOp =
  | { readonly kind: "reshape"; readonly shape: Shape }
  | { readonly kind: "permute"; readonly order: readonly number[] }
  | { readonly kind: "broadcast"; readonly shape: Shape }
  | { readonly kind: "slice"; readonly start: readonly number[]; readonly shape: Shape };

export function denseLayout(shape: Shape, offset = 0): Layout {
  return { shape, strides: denseStrides(shape), offset };
}

/** The layout seen through one view op, or undefined where a reshape cannot be expressed by strides. */
export function applyView(layout: Layout, op: ViewOp): Layout | undefined {
  switch (op.kind) {
    case "permute":
      return {
        shape: op.order.map((o) => layout.shape[o]!),
        strides: op.order.map((o) => layout.strides[o]!),
        offset: layout.offset,
      };
    case "broadcast": {
      const lead = op.shape.length - layout.shape.length;
      const strides = op.shape.map((d, i) =>
        i < lead || (layout.shape[i - lead] === 1 && d !== 1) ? 0 : layout.strides[i - lead]!,
      );
      return { shape: op.shape, strides, offset: layout.offset };
    }
    case "slice": {
      const offset = op.start.reduce((o, s, i) => o + s * layout.strides[i]!, layout.offset);
      const strides = op.shape.map((d, i) => (d === 1 ? 0 : layout.strides[i]!));
      return { shape: op.shape, strides, offset };
    }
    case "reshape":
      return reshapeLayout(layout, op.shape);
  }
}

function reshapeLayout(layout: Layout, shape: Shape): Layout | undefined {
  if (layout.shape.some((d) => d === 0)) return denseLayout(shape, layout.offset);
  // walk both shapes from the inside; each run of old axes that merges into one is cut into new axes
  const old = layout.shape.map((d, i) => ({ d, s: layout.strides[i]! })).filter((a) => a.d !== 1);
  const strides = new Array<number>(shape.length).fill(0);
  let at = old.length - 1;
  let extent = 1; // what is left of the current merged run
  let stride = 0;
  for (let i = shape.length - 1; i >= 0; i--) {
    const want = shape[i]!;
    if (want === 1) continue;
    if (extent === 1) {
      const axis = old[at--];
      if (!axis) return undefined;
      extent = axis.d;
      stride = axis.s;
    }
    strides[i] = stride;
    while (extent % want !== 0 || extent < want) {
      // the new axis reaches over this run: it must merge with the next old axis
      const axis = old[at--];
      if (!axis || axis.s !== stride * extent) return undefined;
      extent *= axis.d;
    }
    extent /= want;
    stride *= want;
  }
  return { shape, strides, offset: layout.offset };
}

/** True where element number and address agree: a dense row-major layout from offset 0. */
export function isDense(layout: Layout): boolean {
  const dense = denseStrides(layout.shape);
  return layout.offset === 0 && layout.strides.every((s, i) => layout.shape[i] === 1 || s === dense[i]);
}

/**
 * Merges neighbouring axes wherever every layout allows it and drops axes of extent 1, so that kernels iterate over as
 * few axes as possible. All `strides` are over the same extents. At least one axis stays.
 */
export function collapseAxes(
  extents: readonly number[],
  strides: readonly (readonly number[])[],
): { extents: number[]; strides: number[][] } {
  const outExtents: number[] = [];
  const outStrides: number[][] = strides.map(() => []);
  for (let axis = 0; axis < extents.length; axis++) {
    const d = extents[axis]!;
    if (d === 1) continue;
    const last = outExtents.length - 1;
    const merges = last >= 0 && strides.every((s, v) => outStrides[v]![last] === s[axis]! * d);
    if (merges) {
      outExtents[last] = outExtents[last]! * d;
      strides.forEach((s, v) => {
        outStrides[v]![last] = s[axis]!;
      });
    } else {
      outExtents.push(d);
      strides.forEach((s, v) => {
        outStrides[v]!.push(s[axis]!);
      });
    }
  }
  if (outExtents.length === 0) {
    outExtents.push(1);
    for (const s of outStrides) s.push(0);
  }
  return { extents: outExtents, strides: outStrides };
}
