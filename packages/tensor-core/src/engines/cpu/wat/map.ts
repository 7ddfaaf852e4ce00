/** map: for every point of the space, run the instructions and store. */
import type { MapKernel } from "../../../kernels/ir.ts";
import { cheapest, copiesFor, costOf, sharedAxis } from "./axes.ts";
import { Body } from "./body.ts";
import { Code, get, i32 } from "./code.ts";
import { type Bounds, chunkSize, chunks, PHASE_PARAMS, vectorLoop } from "./loops.ts";
import type { BufferBase } from "./phase.ts";

export function mapCode(kernel: MapKernel, name: string, base: BufferBase): Code {
  const { space, instrs, stores } = kernel;
  const code = new Code(name, PHASE_PARAMS);
  const costs = space.map((extent, axis) => costOf(instrs, stores, axis, extent));
  const vector = cheapest(costs);
  const shared = sharedAxis(space, vector);
  const copies = copiesFor(instrs, stores);
  const points = space.reduce((product, extent) => product * extent, 1);
  const body = Body.begin(code, instrs, stores, { base });
  const lanes = (outer: Body, bounds: Bounds) =>
    vectorLoop(code, bounds, copies, (index, width) =>
      outer.fork().enterVector(vector, index, width).store(),
    );
  const rest = space.flatMap((_, axis) => (axis === vector || axis === shared ? [] : [axis]));
  const nest = (outer: Body, axes: readonly number[], inside: (body: Body) => void): void => {
    const [axis, ...others] = axes;
    if (axis === undefined) {
      inside(outer);
      return;
    }
    const index = code.local("i32", "i");
    code.fixedLoop(index, 1, 0, space[axis]!, () => nest(outer.fork().enter(axis, index), others, inside));
  };
  const size = chunkSize(space[shared]!, (points / space[shared]!) * costs[vector]!);
  const aligned = shared === vector ? Math.ceil(size / 16) * 16 : size;
  chunks(code, i32(space[shared]!), aligned, (from, to) => {
    if (shared === vector) {
      nest(body.fork(), rest, (inner) => lanes(inner, { from, to, extent: space[vector]! }));
      return;
    }
    code.loop(from, 1, get(to), () => {
      nest(body.fork().enter(shared, from), rest, (inner) => lanes(inner, space[vector]!));
    });
  });
  return code;
}
