/**
 * Random kernel lists of every kind. All f32 values are whole numbers below 2^24 and all operators on them exact, so an engine
 * must agree with the interpreter to the last bit. (How near exp and its like come is a test of its own.)
 */
import type { Random } from "@trimtab/test-support";
import type { DType } from "../../src/dtype.ts";
import type {
  BinaryName,
  BufferSpec,
  Instr,
  Kernel,
  KernelList,
  MatmulOperand,
  PlanSlots,
  RowTerm,
  Store,
  View,
} from "../../src/kernels/ir.ts";

export interface Case {
  readonly list: KernelList;
  readonly feeds: Uint32Array;
  /** Start values of the variables. */
  readonly variables: readonly (Float32Array | Int32Array | Uint32Array)[];
  readonly dtypes: readonly DType[];
}

const DTYPES: readonly DType[] = ["f32", "f32", "i32", "u32"];
const EXACT = 2 ** 24;

interface Growing {
  role: BufferSpec["role"];
  dtype: DType;
  length: number;
}

/** Instructions so far, with the largest magnitude each can have (Infinity: any integer). */
interface Body {
  readonly instrs: Instr[];
  readonly bounds: number[];
}

export class KernelMaker {
  readonly #random: Random;
  readonly #buffers: Growing[] = [{ role: "feeds", dtype: "u32", length: 0 }];
  readonly #feedValues: { offset: number; dtype: DType; values: number[] }[] = [];
  readonly kernels: Kernel[] = [];
  /** Half of the kernels are in the shapes that real graphs have, dense and in fours, so that vec4 paths are met often. */
  #tidy = false;
  /** Tidy reduces: how many of the last axes of a view lie outermost in memory (so that kept axes are contiguous). */
  #outermost = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /**
   * False where strided views over many axes span many megabytes (a software device binds no more than 128), which say nothing
   * more: to let a case go before it is filled.
   */
  get isModest(): boolean {
    return this.#buffers.reduce((sum, { length }) => sum + length, 0) < 1 << 17;
  }

  finish(): Case {
    const feeds = new Uint32Array(this.#buffers[0]!.length);
    for (const { offset, dtype, values } of this.#feedValues) {
      const typed = { f32: Float32Array, i32: Int32Array, u32: Uint32Array }[dtype];
      new typed(feeds.buffer, offset * 4, values.length).set(values);
    }
    let variable = 0;
    const buffers = this.#buffers.map(
      ({ role, length }, i): BufferSpec => ({
        role,
        label: `buffer ${i}`,
        length,
        ...(role === "variable" ? { variable: variable++ } : {}),
      }),
    );
    const variables = this.#buffers
      .filter(({ role }) => role === "variable")
      .map(({ dtype, length }) => {
        const typed = { f32: Float32Array, i32: Int32Array, u32: Uint32Array }[dtype];
        return new typed(length).map(() => this.#random.whole(dtype === "u32" ? 0 : -8, 8));
      });
    const list = { buffers, feeds: [], outputs: [], kernels: this.kernels };
    return { list, feeds, variables, dtypes: this.#buffers.map(({ dtype }) => dtype) };
  }

  addMap(): void {
    this.#begin();
    const space = this.#space(this.#random.pick([20, 200, 3000]));
    const body: Body = { instrs: [], bounds: [] };
    const inPlace = this.#random.next() < 0.4;
    const stores: Store[] = [];
    if (inPlace) {
      const dtype = this.#random.pick(DTYPES);
      const buffer = this.#buffer("variable", dtype);
      const view = this.#dense(space);
      this.#reach(buffer, view, space);
      body.instrs.push({ op: "load", dtype, buffer, view });
      body.bounds.push(8);
      this.#operators(body, space);
      const value = this.#valueOf(body, dtype, EXACT);
      stores.push({ buffer, dtype, view, value });
    }
    this.#operators(body, space);
    if (!inPlace || this.#random.next() < 0.3) stores.push(this.#store(body, space));
    this.kernels.push({ kind: "map", label: "random map", space, instrs: body.instrs, stores });
  }

  addReduce(): void {
    this.#begin();
    const space = this.#space(this.#random.pick([1, 8, 200]));
    const inner = this.#space(this.#random.pick([3, 40, 400]));
    if (this.#tidy && this.#random.next() < 0.5) this.#outermost = inner.length;
    const size = inner.reduce((n, extent) => n * extent, 1);
    const body: Body = { instrs: [], bounds: [] };
    this.#operators(body, [...space, ...inner]);
    this.#outermost = 0;
    const post: Body = { instrs: [], bounds: [] };
    const folds = Array.from({ length: this.#random.whole(1, 3) }, (_, index) => {
      const dtype = this.#random.pick(DTYPES);
      const name = this.#random.pick(["sum", "sum", "max", "min"] as const);
      const value = this.#valueOf(body, dtype, EXACT / size);
      post.instrs.push({ op: "acc", dtype, index });
      post.bounds.push(dtype === "f32" ? body.bounds[value]! * size : Number.POSITIVE_INFINITY);
      return { name, dtype, value };
    });
    this.#operators(post, space);
    const stores = [this.#store(post, space)];
    this.kernels.push({
      kind: "reduce",
      label: "random reduce",
      space,
      inner,
      instrs: body.instrs,
      folds,
      post: post.instrs,
      stores,
    });
  }

  addMatmul(): void {
    this.#begin();
    const extent = (): number => this.#random.pick([1, 3, 4, 8, 17, 32]);
    const [batch, m, n] = [this.#random.pick([1, 1, 3]), extent(), extent()];
    const k = this.#random.pick([0, 1, 5, 16, 40]);
    const operand = (rows: number, columns: number): MatmulOperand => {
      const buffer = this.#buffer("variable", "f32");
      const offset = this.#random.pick([0, 4, 5]);
      const turned = this.#random.next() < 0.5;
      const strides = (turned ? [rows * columns, 1, rows] : [rows * columns, columns, 1]) as [
        number,
        number,
        number,
      ];
      this.#reach(buffer, { offset, strides }, [batch, Math.max(1, rows), Math.max(1, columns)]);
      return { buffer, offset, strides };
    };
    const post: Body = { instrs: [{ op: "acc", dtype: "f32", index: 0 }], bounds: [64 * Math.max(1, k)] };
    const space = [batch, m, n];
    const [a, b] = [operand(m, k), operand(k, n)];
    this.#operators(post, space);
    this.kernels.push({
      kind: "matmul",
      label: "random matmul",
      space,
      k,
      a,
      b,
      post: post.instrs,
      stores: [this.#store(post, space)],
    });
  }

  /** Both forms of products in groups, over random ids of which some are in no group. */
  addGrouped(): void {
    this.#begin();
    const extent = (): number => this.#random.pick([1, 3, 4, 8, 17, 60]);
    const positions = this.#random.pick([1, 7, 60, 700]);
    const vocabulary = this.#random.pick([1, 5, 1000]);
    const ids = Array.from({ length: positions }, () => this.#random.whole(0, vocabulary - 1));
    const { name, feeds, rows, count } = this.#plan(ids, 1000).slots;
    const groups = this.#random.pick([1, 3, 8]);
    const bounds = Array.from({ length: groups + 1 }, () => this.#random.whole(0, vocabulary + 3));
    bounds.sort((a, b) => a - b);
    const form = this.#random.pick(["rows", "groups"] as const);
    const [m, n, depth] = [extent(), extent(), this.#random.pick([1, 5, 16, 40, 460])];
    const operand = (batch: number, height: number, width: number): MatmulOperand => {
      const buffer = this.#buffer("variable", "f32");
      const offset = this.#random.pick([0, 4, 5]);
      const turned = this.#random.next() < 0.5;
      const size = height * width;
      const strides = (turned ? [size, 1, height] : [size, width, 1]) as [number, number, number];
      this.#reach(buffer, { offset, strides }, [batch, height, width]);
      return { buffer, offset, strides };
    };
    const byRow = form === "rows";
    const [a, b] = byRow
      ? [operand(1, positions, depth), operand(groups, depth, n)]
      : [operand(1, m, positions), operand(1, positions, n)];
    const k = byRow ? depth : positions;
    const space = byRow ? [1, positions, n] : [groups, m, n];
    const post: Body = { instrs: [{ op: "acc", dtype: "f32", index: 0 }], bounds: [64 * k] };
    this.#operators(post, space);
    const plan = { name, feeds, rows, count };
    const stores = [this.#store(post, space)];
    const label = "random grouped";
    this.kernels.push({
      kind: "grouped",
      form,
      label,
      space,
      plan,
      bounds,
      k,
      a,
      b,
      post: post.instrs,
      stores,
    });
  }

  /** Both passes of a segment sum over random ids, then an update of the touched rows in place. */
  addSegment(): void {
    this.#begin();
    const columns = this.#random.pick([1, 3, 4, 8, 16]);
    const positions = this.#random.pick([1, 7, 60, 300]);
    const vocabulary = this.#random.pick([1, 5, 1000]);
    const ids = Array.from({ length: positions }, () => this.#random.whole(0, vocabulary - 1));
    const plan = this.#plan(ids, this.#random.pick([2, 16, 1000]));
    const body: Body = { instrs: [], bounds: [] };
    this.#operators(body, [positions, columns]);
    const folds = Array.from({ length: this.#random.whole(1, 2) }, () => ({
      name: "sum" as const,
      dtype: "f32" as const,
      value: this.#valueOf(body, "f32", EXACT / positions),
    }));
    const partial = this.#buffer("temporary", "f32");
    const width = folds.length * columns;
    const partialStores = folds.map((_, value): Store => {
      const view = { offset: value * columns, strides: [width, 1] };
      this.#reach(partial, view, [plan.mostPieces, columns]);
      return { buffer: partial, dtype: "f32", view, value };
    });
    const accs = folds.map((_, index): Instr => ({ op: "acc", dtype: "f32", index }));
    const common = { kind: "segment", plan: plan.slots, instrs: body.instrs, folds } as const;
    this.kernels.push({
      ...common,
      pass: "pieces",
      label: "random pieces",
      space: [plan.mostPieces, columns],
      post: accs,
      stores: partialStores,
    });

    const space = [positions, columns];
    const table = this.#buffer("variable", "f32");
    const view = { offset: 0, strides: [0, 1] };
    const rowId: Instr = {
      op: "load",
      dtype: "u32",
      buffer: 0,
      view: { offset: plan.slots.rows, strides: [1, 0] },
    };
    const row: RowTerm = { instr: folds.length, stride: columns };
    this.#buffers[table]!.length = vocabulary * columns;
    const post: Body = {
      instrs: [...accs, rowId, { op: "load", dtype: "f32", buffer: table, view, row }],
      bounds: [...folds.map(({ value }) => body.bounds[value]! * positions), Number.POSITIVE_INFINITY, 8],
    };
    const stores: Store[] = [{ buffer: table, dtype: "f32", view, row, value: this.#sum(post) }];
    const seen = this.#buffer("output", "f32");
    const seenView = { offset: 0, strides: [columns, 1] };
    this.#reach(seen, seenView, space);
    stores.push({ buffer: seen, dtype: "f32", view: seenView, value: 0 });
    this.kernels.push({
      ...common,
      pass: "rows",
      label: "random rows",
      space,
      partial,
      post: post.instrs,
      stores,
    });
  }

  #begin(): void {
    this.#tidy = this.#random.next() < 0.5;
    this.#outermost = 0;
  }

  #plan(ids: readonly number[], pieceLength: number): { slots: PlanSlots; mostPieces: number } {
    const rows = [...new Set(ids)].sort((a, b) => a - b);
    const runs = rows.map((row) => ids.flatMap((id, position) => (id === row ? [position] : [])));
    const offsets = [0];
    const pieceOffsets = [0];
    const pieces: [number, number][] = [];
    for (const run of runs) {
      const from = offsets.at(-1)!;
      const to = from + run.length;
      offsets.push(to);
      if (run.length > pieceLength) {
        for (let at = from; at < to; at += pieceLength) pieces.push([at, Math.min(to, at + pieceLength)]);
      }
      pieceOffsets.push(pieces.length);
    }
    const feed = (values: readonly number[]): number => this.#feed("u32", values.length === 0 ? [0] : values);
    const slots = {
      name: "plan",
      feeds: 0,
      sorted: feed(runs.flat()),
      rows: feed([...rows, ...ids.map(() => 0)]),
      offsets: feed(offsets),
      pieceOffsets: feed(pieceOffsets),
      pieceFrom: feed(pieces.map(([from]) => from)),
      pieceTo: feed(pieces.map(([, to]) => to)),
      count: feed([rows.length]),
      pieceCount: feed([pieces.length]),
    };
    return { slots, mostPieces: Math.max(1, pieces.length + this.#random.whole(0, 3)) };
  }

  #space(most: number): number[] {
    const space: number[] = [];
    let left = most;
    for (let axis = this.#random.whole(1, 4); axis > 0; axis--) {
      const extent = Math.max(1, Math.min(left, this.#random.pick([1, 2, 3, 4, 7, 8, 12, 16, 31, 64, 1000])));
      space.push(extent);
      left = Math.floor(left / extent);
    }
    if (this.#tidy) return [...space.slice(0, -1), this.#random.pick([4, 8, 16, 40])];
    return this.#random.shuffle(space);
  }

  #operators(body: Body, space: readonly number[]): void {
    const count = this.#random.whole(1, 5);
    for (let i = 0; i < count; i++) this.#load(body, space);
    for (let i = this.#random.whole(0, 6); i > 0; i--) this.#operator(body, space);
  }

  #load(body: Body, space: readonly number[]): void {
    const dtype = this.#random.pick(DTYPES);
    const add = (instr: Instr, bound: number): number => {
      body.bounds.push(bound);
      return body.instrs.push(instr) - 1;
    };
    const kind = this.#random.next();
    if (kind < 0.1) {
      add({ op: "index", dtype: "u32", view: this.#strided(space) }, Number.POSITIVE_INFINITY);
      return;
    }
    if (kind < 0.2) {
      add({ op: "const", dtype, value: this.#random.whole(dtype === "u32" ? 0 : -8, 8) }, 8);
      return;
    }
    const view = this.#strided(space);
    if (kind < 0.4) {
      // A row: its number comes from the feeds, the table is a variable.
      const rows = this.#random.whole(1, 20);
      const any = this.#strided(space);
      // An id for each row, not for each element, is what a table's lookup has.
      const perRow = this.#tidy && this.#random.next() < 0.7;
      const idView = perRow ? { ...any, strides: [...any.strides.slice(0, -1), 0] } : any;
      const ids = Array.from({ length: reach(idView, space) }, () => this.#random.whole(0, rows - 1));
      const offset = this.#feed("u32", ids);
      const id = add({ op: "load", dtype: "u32", buffer: 0, view: shifted(idView, offset) }, rows);
      const stride = reach(view, space) + this.#random.whole(0, 3);
      const buffer = this.#buffer("variable", dtype);
      this.#reach(buffer, shifted(view, stride * (rows - 1)), space);
      add({ op: "load", dtype, buffer, view, row: { instr: id, stride } }, 8);
      return;
    }
    if (kind < 0.7) {
      const values = Array.from({ length: reach(view, space) }, () =>
        this.#random.whole(dtype === "u32" ? 0 : -8, 8),
      );
      add({ op: "load", dtype, buffer: 0, view: shifted(view, this.#feed(dtype, values)) }, 8);
      return;
    }
    const buffer = this.#buffer("variable", dtype);
    this.#reach(buffer, view, space);
    add({ op: "load", dtype, buffer, view }, 8);
  }

  #operator(body: Body, space: readonly number[]): void {
    const { instrs, bounds } = body;
    const add = (instr: Instr, bound: number): void => {
      instrs.push(instr);
      bounds.push(bound);
    };
    const a = this.#random.whole(0, instrs.length - 1);
    const { dtype } = instrs[a]!;
    const same = instrs.flatMap((instr, id) => (instr.dtype === dtype ? [id] : []));
    const b = this.#random.pick(same);
    const conditions = instrs.flatMap((instr, id) => (instr.dtype === "u32" ? [id] : []));
    const any = dtype === "f32" ? undefined : Number.POSITIVE_INFINITY;
    const kind = this.#random.next();
    if (kind < 0.15) {
      const name = this.#random.pick(["neg", "abs", "sign", "floor"] as const);
      add({ op: "unary", dtype, name, a }, any ?? Math.max(1, bounds[a]!));
    } else if (kind < 0.3) {
      const name = this.#random.pick(["lt", "le", "gt", "ge", "eq", "ne"] as const);
      add({ op: "binary", dtype: "u32", name, a, b }, 1);
    } else if (kind < 0.4 && conditions.length > 0) {
      const cond = this.#random.pick(conditions);
      add({ op: "select", dtype, cond, a, b }, Math.max(bounds[a]!, bounds[b]!));
    } else if (kind < 0.5 && bounds[a]! <= 4096) {
      add({ op: "cast", dtype: this.#random.pick(DTYPES), a }, dtype === "i32" ? 2 ** 32 : bounds[a]!);
      if (instrs.at(-1)!.dtype === "f32") bounds[bounds.length - 1] = bounds[a]!;
    } else if (kind < 0.6 && conditions.length > 0) {
      const [k0, k1, c0, c1] = [0, 1, 2, 3].map(() => this.#random.pick(conditions)) as [
        number,
        number,
        number,
        number,
      ];
      add({ op: "threefry", dtype: "u32", k0, k1, c0, c1 }, Number.POSITIVE_INFINITY);
    } else if (kind < 0.7) this.#load(body, space);
    else {
      const names: BinaryName[] = ["add", "sub", "mul", "min", "max"];
      if (dtype !== "f32") names.push("div", "mod");
      if (dtype === "u32") names.push("and", "or", "xor", "shl", "shr");
      const name = this.#random.pick(names);
      const bound = any ?? (name === "mul" ? bounds[a]! * bounds[b]! : bounds[a]! + bounds[b]!);
      if (bound <= EXACT || dtype !== "f32") add({ op: "binary", dtype, name, a, b }, bound);
    }
  }

  /** An instruction of the dtype within the bound; a constant where there is none. */
  #valueOf(body: Body, dtype: DType, bound: number): number {
    const fits = body.instrs.flatMap((instr, id) =>
      instr.dtype === dtype && (dtype !== "f32" || body.bounds[id]! <= bound) ? [id] : [],
    );
    if (fits.length > 0) return fits.at(-1)!;
    body.bounds.push(1);
    return body.instrs.push({ op: "const", dtype, value: 1 }) - 1;
  }

  /** Adds up what is f32, as an optimizer does. */
  #sum(body: Body): number {
    let value = body.instrs.findIndex((instr) => instr.dtype === "f32");
    const rest = body.instrs.flatMap((instr, id) => (instr.dtype === "f32" && id > value ? [id] : []));
    for (const b of rest)
      value = body.instrs.push({ op: "binary", dtype: "f32", name: "add", a: value, b }) - 1;
    return value;
  }

  #store(body: Body, space: readonly number[]): Store {
    const dtype = this.#random.pick(DTYPES);
    const value = this.#valueOf(body, dtype, EXACT);
    const buffer = this.#buffer("output", dtype);
    const view = this.#dense(space);
    this.#reach(buffer, view, space);
    return { buffer, dtype, view, value };
  }

  /** Every point its own address: axes in some order, sometimes with a gap. */
  #dense(space: readonly number[]): View {
    if (this.#tidy) return this.#tidyView(space);
    const order =
      this.#random.next() < 0.6 ? space.map((_, axis) => axis) : this.#random.shuffle(space.map((_, i) => i));
    const strides = space.map(() => 0);
    let stride = this.#random.next() < 0.85 ? 1 : 2;
    for (const axis of [...order].reverse()) {
      strides[axis] = stride;
      stride *= space[axis]!;
      if (this.#random.next() < 0.1) stride += this.#random.pick([1, 4]);
    }
    return { offset: this.#random.pick([0, 0, 4, 3]), strides };
  }

  #tidyView(space: readonly number[]): View {
    const first = space.length - this.#outermost;
    const axes = space.map((_, axis) => axis);
    const strides = space.map(() => 0);
    let stride = 1;
    for (const axis of [...axes.slice(first), ...axes.slice(0, first)].reverse()) {
      strides[axis] = stride;
      stride *= space[axis]!;
    }
    return { offset: this.#random.pick([0, 0, 0, 4, 2]), strides };
  }

  /** Dense, with some axes broadcast. */
  #strided(space: readonly number[]): View {
    const view = this.#dense(space);
    if (this.#tidy && this.#random.next() < 0.7) return view;
    return { ...view, strides: view.strides.map((stride) => (this.#random.next() < 0.25 ? 0 : stride)) };
  }

  #feed(dtype: DType, values: number[] | readonly number[]): number {
    const feeds = this.#buffers[0]!;
    const offset =
      feeds.length + (this.#tidy ? (4 - (feeds.length % 4)) % 4 : this.#random.pick([0, 1, 2, 3]));
    feeds.length = offset + values.length;
    this.#feedValues.push({ offset, dtype, values: [...values] });
    return offset;
  }

  #buffer(role: BufferSpec["role"], dtype: DType): number {
    return this.#buffers.push({ role, dtype, length: 0 }) - 1;
  }

  #reach(buffer: number, view: View, space: readonly number[]): void {
    const growing = this.#buffers[buffer]!;
    growing.length = Math.max(growing.length, reach(view, space));
  }
}

/** One more than the largest address. */
function reach(view: View, space: readonly number[]): number {
  return view.strides.reduce((sum, stride, axis) => sum + stride * (space[axis]! - 1), view.offset) + 1;
}

function shifted(view: View, by: number): View {
  return { ...view, offset: view.offset + by };
}
