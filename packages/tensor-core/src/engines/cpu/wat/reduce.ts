/**
 * reduce: for every point of the space, fold over the inner axes, then run `post` and store. Lanes run over an axis of the
 * space (each lane an output of its own) or over an inner axis (each lane a part of one output, put together at the end): whichever
 * reads memory better.
 */
import type { ReduceKernel } from "../../../kernels/ir.ts";
import { cheapest, copiesFor, costOf, sharedAxis } from "./axes.ts";
import { Body } from "./body.ts";
import { Code, get, i32 } from "./code.ts";
import { type Bounds, chunkSize, chunks, PHASE_PARAMS, vectorLoop } from "./loops.ts";
import { foldStart, foldText } from "./operators.ts";
import type { BufferBase } from "./phase.ts";

export function reduceCode(kernel: ReduceKernel, name: string, base: BufferBase): Code {
  return new ReduceWriter(kernel, name, base).write();
}

class ReduceWriter {
  readonly #kernel: ReduceKernel;
  readonly #code: Code;
  readonly #base: BufferBase;
  readonly #spaceAxes: number;
  readonly #extents: readonly number[];
  /** Among the axes of space and inner together. */
  readonly #vector: number;
  readonly #copies: number;
  readonly #cost: number;
  /** Locals of the folds, by copy. */
  #acc: string[][] = [];

  constructor(kernel: ReduceKernel, name: string, base: BufferBase) {
    this.#kernel = kernel;
    this.#base = base;
    this.#code = new Code(name, PHASE_PARAMS);
    this.#spaceAxes = kernel.space.length;
    this.#extents = [...kernel.space, ...kernel.inner];
    const inner = product(kernel.inner);
    const costs = this.#extents.map((extent, axis) => {
      const body = costOf(kernel.instrs, [], axis, extent) + kernel.folds.length / 4;
      const lanes = axis < this.#spaceAxes;
      const post = lanes
        ? costOf(kernel.post, kernel.stores, axis, extent)
        : kernel.post.length + kernel.stores.length + 6;
      return body * inner + post;
    });
    this.#vector = cheapest(costs);
    this.#cost = costs[this.#vector]!;
    const body = copiesFor(kernel.instrs, []);
    const across = this.#vector < this.#spaceAxes;
    this.#copies = across ? Math.min(body, copiesFor(kernel.post, kernel.stores)) : body;
  }

  write(): Code {
    const { space, instrs, folds, post, stores } = this.#kernel;
    const across = this.#vector < this.#spaceAxes;
    const all = (1 << this.#spaceAxes) - 1;
    const body = Body.begin(this.#code, instrs, [], {
      base: this.#base,
      wanted: folds.map((f) => f.value),
    });
    const end = Body.begin(this.#code, post, stores, {
      base: this.#base,
      acc: { text: (index, copy) => get(this.#acc[copy]![index]!), axes: all },
    });
    const shared = sharedAxis(space, across ? this.#vector : undefined);
    const rest = space.flatMap((_, axis) => (axis === this.#vector || axis === shared ? [] : [axis]));
    const points = product(space);
    const size = chunkSize(space[shared]!, (points / space[shared]!) * this.#cost);
    const chunk = shared === this.#vector ? Math.ceil(size / 16) * 16 : size;
    chunks(this.#code, i32(space[shared]!), chunk, (from, to) => {
      if (shared === this.#vector) {
        this.#nest(body.fork(), end.fork(), rest, (b, e) =>
          this.#across(b, e, { from, to, extent: space[shared]! }),
        );
        return;
      }
      this.#code.loop(from, 1, get(to), () => {
        const [b, e] = [body.fork().enter(shared, from), end.fork().enter(shared, from)];
        this.#nest(b, e, rest, (b, e) => {
          if (across) this.#across(b, e, space[this.#vector]!);
          else this.#along(b, e);
        });
      });
    });
    return this.#code;
  }

  #nest(body: Body, end: Body, axes: readonly number[], inside: (body: Body, end: Body) => void): void {
    const [axis, ...others] = axes;
    if (axis === undefined) {
      inside(body, end);
      return;
    }
    const index = this.#code.local("i32", "i");
    this.#code.fixedLoop(index, 1, 0, this.#extents[axis]!, () =>
      this.#nest(body.fork().enter(axis, index), end.fork().enter(axis, index), others, inside),
    );
  }

  /** Lanes over the space: each has its own folds. */
  #across(body: Body, end: Body, bounds: Bounds): void {
    vectorLoop(this.#code, bounds, this.#copies, (index, width) => {
      this.#start(width.copies);
      const inside = body.fork().enterVector(this.#vector, index, width);
      this.#inner(inside, this.#innerAxes(), (b) => this.#fold(b, width.copies, 0));
      end.fork().enterVector(this.#vector, index, width).folded().store();
    });
  }

  /** Lanes over an inner axis: folds are put together behind the loops. */
  #along(body: Body, end: Body): void {
    const extent = this.#extents[this.#vector]!;
    const copies = extent >= 4 * this.#copies ? this.#copies : 1;
    // what is left of the lanes has folds of its own, in lane 0
    const left = extent % 4 > 0 ? 1 : 0;
    this.#start(copies + left);
    this.#inner(body, this.#innerAxes(), (b) =>
      vectorLoop(this.#code, extent, copies, (index, width) =>
        this.#fold(
          b.fork().enterVector(this.#vector, index, width),
          width.copies,
          width.lanes === 1 ? copies : 0,
        ),
      ),
    );
    this.#gather(copies, left === 1 ? copies : undefined);
    end.fork().folded().store();
  }

  #innerAxes(): number[] {
    return this.#extents.flatMap((_, axis) =>
      axis < this.#spaceAxes || axis === this.#vector ? [] : [axis],
    );
  }

  #inner(body: Body, axes: readonly number[], inside: (body: Body) => void): void {
    const [axis, ...others] = axes;
    if (axis === undefined) {
      inside(body);
      return;
    }
    const index = this.#code.local("i32", "k");
    this.#code.fixedLoop(index, 1, 0, this.#extents[axis]!, () =>
      this.#inner(body.fork().enter(axis, index), others, inside),
    );
  }

  #start(copies: number): void {
    this.#acc = [];
    for (let copy = 0; copy < copies; copy++) {
      this.#acc.push(
        this.#kernel.folds.map(({ name, dtype }) => this.#code.keep("v128", "acc", foldStart(name, dtype))),
      );
    }
  }

  #fold(body: Body, copies: number, firstAcc: number): void {
    for (let copy = 0; copy < copies; copy++) {
      this.#kernel.folds.forEach(({ name, dtype, value }, i) => {
        const acc = this.#acc[firstAcc + copy]![i]!;
        this.#code.set(acc, foldText(name, dtype, get(acc), body.value(value, copy)));
      });
    }
  }

  /** All copies, then all lanes, then the rest's lane 0, into the folds of copy 0. */
  #gather(copies: number, left: number | undefined): void {
    this.#kernel.folds.forEach(({ name, dtype }, i) => {
      const acc = this.#acc[0]![i]!;
      const join = (other: string) => this.#code.set(acc, foldText(name, dtype, get(acc), other));
      for (let copy = 1; copy < copies; copy++) join(get(this.#acc[copy]![i]!));
      join(`(i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 ${get(acc)} ${get(acc)})`);
      join(`(i8x16.shuffle 4 5 6 7 0 1 2 3 4 5 6 7 0 1 2 3 ${get(acc)} ${get(acc)})`);
      if (left !== undefined) join(get(this.#acc[left]![i]!));
    });
  }
}

function product(extents: readonly number[]): number {
  return extents.reduce((a, b) => a * b, 1);
}
