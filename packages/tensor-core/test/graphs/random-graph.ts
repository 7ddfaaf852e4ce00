/**
 * Random programs: graphs that mix every kind of op, share nodes, and update variables in awkward ways. Every step of
 * a program has a seed of its own, so that fast-check shrinks a failing program by dropping steps.
 *
 * Values stay within a few units, and what jumps (floor, comparisons) is applied off its jumps, so that a Float64
 * evaluation and an f32 device may be compared.
 */

import type { Tensor, Variable } from "../../src/index.ts";
import * as t from "../../src/index.ts";
import { Random } from "../laws.ts";
import { makePlan, type TestPlan } from "../plans.ts";
import { size } from "../reference/index-space.ts";

/** Makes a variable; a device's own, or one without a device. */
export type MakeVariable = (name: string, shape: readonly number[], dtype?: t.DType) => Variable;

export interface RandomProgram {
  readonly outputs: Record<string, Tensor>;
  readonly updates: readonly Tensor[];
  readonly feeds: Readonly<Record<string, t.HostArray>>;
  readonly contents: ReadonlyMap<Variable, t.HostArray>;
}

const MOST_ELEMENTS = 12000;
const EXTENTS = [1, 2, 3, 4, 5, 7, 8, 13, 16, 17, 31];
const LONG = [65, 100, 127, 300, 1031, 4097];

interface Table {
  readonly variable: Variable;
  readonly plan: TestPlan;
  readonly ids: Tensor;
}

/** A random program of about `steps.length` ops; the same seeds make the same program. */
export function randomProgram(seed: number, steps: readonly number[], make: MakeVariable): RandomProgram {
  return new Builder(seed, make).build(steps);
}

class Builder {
  readonly #seed: number;
  #random: Random;
  readonly #make: MakeVariable;
  readonly #pool: Tensor[] = [];
  readonly #whole: Tensor[] = [];
  readonly #feeds: Record<string, t.HostArray> = {};
  readonly #contents = new Map<Variable, t.HostArray>();
  readonly #versions = new Map<Variable, Tensor>();
  readonly #tables: Table[] = [];
  #names = 0;

  constructor(seed: number, make: MakeVariable) {
    this.#seed = seed;
    this.#random = new Random(seed);
    this.#make = make;
  }

  build(steps: readonly number[]): RandomProgram {
    this.#pool.push(this.#input(this.#shape()));
    for (const step of steps) {
      this.#random = new Random(step);
      this.#step();
    }
    const random = new Random(this.#seed + 1);
    const outputs: Record<string, Tensor> = {};
    const versions = [...this.#versions.values()];
    // half of the updates are roots by themselves; all are when nothing else asks for them
    const updates = versions.filter((v) => v.op.kind !== "variable" && random.next() < 0.9);
    const candidates = [
      ...this.#pool.slice(-6),
      random.pick(this.#pool),
      random.pick(this.#pool),
      ...this.#whole.slice(-2),
      random.pick(versions.concat(this.#pool)),
    ];
    for (const value of random.shuffle(candidates).slice(0, random.whole(1, 6))) {
      outputs[`out${Object.keys(outputs).length}`] = value;
    }
    return { outputs, updates, feeds: this.#feeds, contents: this.#contents };
  }

  #name(prefix: string): string {
    return `${prefix}${this.#names++}`;
  }

  #shape(): number[] {
    const r = this.#random;
    const shape = Array.from({ length: r.whole(0, 3) }, () => r.pick(EXTENTS));
    if (r.next() < 0.25) shape[r.whole(0, Math.max(0, shape.length - 1))] = r.pick(LONG);
    if (r.next() < 0.03) shape[r.whole(0, Math.max(0, shape.length - 1))] = 0;
    while (size(shape) > MOST_ELEMENTS) shape.pop();
    return shape;
  }

  #content(shape: readonly number[]): Float32Array {
    return Float32Array.from({ length: size(shape) }, () => this.#random.between(-1.5, 1.5));
  }

  #input(shape: readonly number[]): Tensor {
    const name = this.#name("x");
    this.#feeds[name] = this.#content(shape);
    return t.input(name, shape);
  }

  #variable(shape: readonly number[]): Variable {
    const variable = this.#make(this.#name("v"), shape);
    this.#contents.set(variable, this.#content(shape));
    this.#versions.set(variable, variable.value);
    return variable;
  }

  /** A tensor of the pool, mostly a late one. */
  #any(): Tensor {
    const r = this.#random;
    return r.next() < 0.5 ? r.pick(this.#pool.slice(-4)) : r.pick(this.#pool);
  }

  #keep(x: Tensor): Tensor {
    if (size(x.shape) <= MOST_ELEMENTS && x.shape.length <= 5) this.#pool.push(x);
    return x;
  }

  /** Something that broadcasts with `shape`: from the pool where one fits, else a reduction of one. */
  #partner(shape: readonly number[]): Tensor {
    const r = this.#random;
    const fits = this.#pool.filter((p) => {
      try {
        return size(broadcast(p.shape, shape)) <= MOST_ELEMENTS;
      } catch {
        return false;
      }
    });
    if (fits.length > 0 && r.next() < 0.8) return r.pick(fits);
    if (r.next() < 0.5) return this.#input(shape.map((d) => (r.next() < 0.3 ? 1 : d)));
    const x = this.#any();
    return size(x.shape) === 0 ? t.constant(0.25) : t.mean(x);
  }

  #step(): void {
    const r = this.#random;
    const kinds: [number, () => void][] = [
      [6, () => this.#unary()],
      [8, () => this.#binary()],
      [8, () => this.#view()],
      [6, () => this.#fold()],
      [3, () => this.#normalize()],
      [4, () => this.#matmul()],
      [2, () => this.#gather()],
      [3, () => this.#concat()],
      [3, () => this.#integers()],
      [1, () => this.#keep(this.#input(this.#shape()))],
      [2, () => this.#keep(this.#variable(this.#shape()).value)],
      [4, () => this.#assign()],
      [1, () => this.#swap()],
      [2, () => this.#updateRows()],
      [2, () => this.#readVersion()],
    ];
    let at = r.next() * kinds.reduce((n, [weight]) => n + weight, 0);
    for (const [weight, act] of kinds) {
      at -= weight;
      if (at < 0) {
        act();
        return;
      }
    }
  }

  #unary(): void {
    const x = this.#any();
    const off = t.add(x, 0.0371);
    const positive = t.add(t.abs(x), 0.5);
    this.#keep(
      this.#random.pick([
        () => t.tanh(x),
        () => t.sigmoid(t.mul(x, 3)),
        () => t.neg(x),
        () => t.relu(x),
        () => t.exp(t.tanh(x)),
        () => t.log(positive),
        () => t.log1p(positive),
        () => t.sqrt(positive),
        () => t.rsqrt(positive),
        () => t.recip(positive),
        () => t.softplus(x),
        () => t.mul(x, t.cast(t.gt(off, 0), "f32")),
        () => t.stopGradient(t.mul(x, 1)),
        () => t.pow(positive, 0.7),
      ])(),
    );
  }

  #binary(): void {
    const a = this.#any();
    const b = this.#partner(a.shape);
    this.#keep(
      this.#random.pick([
        () => t.mul(t.add(a, b), 0.7),
        () => t.sub(a, b),
        () => t.mul(t.tanh(a), b),
        () => t.div(a, t.add(t.abs(b), 0.7)),
        () => t.maximum(a, b),
        () => t.minimum(b, a),
        () => t.where(t.lt(a, b), t.tanh(b), a),
      ])(),
    );
  }

  #view(): void {
    const r = this.#random;
    const x = this.#any();
    const { shape } = x;
    switch (r.whole(0, 5)) {
      case 0:
        this.#keep(t.reshape(x, refactor(size(shape), r)));
        break;
      case 1:
      case 2:
        this.#keep(t.permute(x, r.shuffle(shape.map((_, i) => i))));
        break;
      case 3: {
        const from = shape.map((d) => (r.next() < 0.5 ? 0 : r.whole(0, Math.floor(d / 2))));
        this.#keep(
          t.slice(
            x,
            from,
            shape.map((d, i) => Math.max(from[i]!, d - (r.next() < 0.5 ? 0 : r.whole(0, 2)))),
          ),
        );
        break;
      }
      case 4: {
        const start = shape.map(() => r.whole(0, 2));
        this.#keep(
          t.pad(
            x,
            start,
            shape.map((d, i) => d + start[i]! + r.whole(0, 2)),
          ),
        );
        break;
      }
      default: {
        const wide = shape.map((d) => (d === 1 ? r.whole(1, 5) : d));
        if (r.next() < 0.5) wide.unshift(r.whole(1, 4));
        if (size(wide) <= MOST_ELEMENTS && wide.length <= 5) this.#keep(t.broadcastTo(x, wide));
      }
    }
  }

  #fold(): void {
    const r = this.#random;
    const x = this.#any();
    const axes = x.shape.map((_, i) => i).filter(() => r.next() < 0.6);
    const keep = r.next() < 0.4;
    const n = axes.reduce((p, a) => p * x.shape[a]!, 1);
    if (n === 0) this.#keep(t.sum(x, axes, { keep }));
    else {
      const scaled = () => t.mul(t.sum(x, axes, { keep }), 1 / Math.sqrt(n));
      this.#keep(
        r.pick([
          scaled,
          scaled,
          () => t.mean(t.square(x), axes, { keep }),
          () => t.max(x, axes, { keep }),
          () => t.min(t.neg(x), axes, { keep }),
        ])(),
      );
    }
  }

  /** Several folds of one tensor over the same axes, then the tensor against them: what a layer norm or a softmax does. */
  #normalize(): void {
    const r = this.#random;
    const x = this.#any();
    const axes = x.shape.map((_, i) => i).filter(() => r.next() < 0.6);
    const n = axes.reduce((p, a) => p * x.shape[a]!, 1);
    if (n === 0) return;
    const y = r.next() < 0.5 ? x : t.tanh(t.add(x, this.#input([])));
    const [keep, total, most] = [
      { keep: true },
      t.sum(y, axes, { keep: true }),
      t.max(y, axes, { keep: true }),
    ];
    const squares = t.mean(t.square(y), axes, keep);
    this.#keep(
      r.pick([
        () => t.mul(t.sub(y, t.mul(total, 1 / n)), t.rsqrt(t.add(squares, 0.3))),
        () => t.div(t.exp(t.sub(y, most)), t.sum(t.exp(t.sub(y, most)), axes, keep)),
        () => t.add(t.mul(total, 1 / n), t.sub(squares, most)),
      ])(),
    );
  }

  #matmul(): void {
    const r = this.#random;
    const a = this.#any();
    const { shape } = a;
    const rank = shape.length;
    if (rank < 2) {
      const column = t.reshape(a, [size(shape), 1]);
      if (size(shape) <= 64) this.#keep(t.matmul(column, t.transpose(column)));
      else this.#keep(t.mul(t.matmul(t.transpose(column), t.tanh(column)), 1 / size(shape)));
      return;
    }
    const lead = shape.slice(0, -2);
    const k = shape[rank - 1]!;
    const n = r.pick([1, 2, 3, 5, 8, 16]);
    const scale = 1 / Math.max(1, k);
    const fresh = (s: number[]) => (r.next() < 0.5 ? this.#input(s) : this.#variable(s).value);
    const b = r.pick([
      () => fresh([k, n]),
      () => t.transpose(fresh([n, k])),
      () => fresh([...lead, k, n]),
      () => t.transpose(fresh([...lead.map(() => 1), n, k])),
      () => t.transpose(a),
      () => t.broadcastTo(fresh([k, 1]), [k, n]),
      () => t.sliceAxis(fresh([k, n + 3]), 1, 2, n + 2),
      () => t.relu(fresh([k, n])),
    ])();
    if (size(lead) * shape[rank - 2]! * b.shape.at(-1)! > MOST_ELEMENTS) return;
    const c = t.mul(t.matmul(a, b), scale);
    this.#keep(r.pick([() => c, () => t.relu(t.add(c, fresh([b.shape.at(-1)!]))), () => t.tanh(c)])());
  }

  #ids(count: number, n: number): { ids: Tensor; list: number[] } {
    const r = this.#random;
    // few distinct ids, so that runs get long
    const distinct = Math.min(n, r.pick([1, 3, n]));
    const list = Array.from({ length: count }, () => r.whole(0, distinct - 1));
    const name = this.#name("ids");
    this.#feeds[name] = Uint32Array.from(list);
    return { ids: t.input(name, [count], "u32"), list };
  }

  #table(): Table {
    const r = this.#random;
    if (this.#tables.length > 0 && r.next() < 0.5) return r.pick(this.#tables);
    if (this.#tables.length > 0 && r.next() < 0.4) {
      // another table of the same rows, looked up by the same plan
      const { variable, plan, ids } = r.pick(this.#tables);
      const twin = { variable: this.#variable([variable.shape[0]!, r.pick([1, 2, 3])]), plan, ids };
      this.#tables.push(twin);
      return twin;
    }
    const n = r.pick([1, 2, 5, 9, 40]);
    // as many positions as rows now and then: then a table and its touched rows have one shape
    const { ids, list } = this.#ids(r.pick([1, 4, n, 33, 200, 300]), n);
    const plan = makePlan(this.#name("plan"), list);
    Object.assign(this.#feeds, plan.feeds);
    const table = { variable: this.#variable([n, r.pick([1, 2, 3, 8])]), plan, ids };
    this.#tables.push(table);
    return table;
  }

  #gather(): void {
    const r = this.#random;
    const x = this.#any();
    if (x.shape.length === 2 && size(x.shape) > 0 && r.next() < 0.4) {
      const { ids } = this.#ids(r.pick([1, 6, 20]), x.shape[0]!);
      this.#keep(t.gather(x, r.next() < 0.5 ? ids : t.reshape(ids, [1, ids.shape[0]!])));
      return;
    }
    const table = this.#table();
    const source = r.next() < 0.7 ? table.variable.value : this.#versions.get(table.variable)!;
    this.#keep(t.gather(source, table.ids, source === table.variable.value ? table.plan.inputs : undefined));
  }

  #concat(): void {
    const r = this.#random;
    const x = this.#any();
    if (x.shape.length === 0) return;
    const axis = r.whole(0, x.shape.length - 1);
    const y = t.sliceAxis(x, axis, 0, r.whole(0, x.shape[axis]!));
    const parts = r.shuffle([
      x,
      r.next() < 0.5 ? t.tanh(x) : x,
      r.next() < 0.5 ? y : t.mul(y, this.#input([])),
    ]);
    const fits = parts.filter((p) => p.shape.length === x.shape.length);
    const joined = this.#keep(t.concat(fits, axis));
    // reading one part back must not be taken for reading what a kernel has at hand
    if (r.next() < 0.3) this.#keep(t.tanh(t.sliceAxis(joined, axis, 0, fits[0]!.shape[axis]!)));
  }

  #integers(): void {
    const r = this.#random;
    const shape = this.#shape();
    const fresh = () => {
      const name = this.#name("n");
      this.#feeds[name] = Uint32Array.from({ length: size(shape) }, () => r.whole(0, 2 ** 32 - 1));
      return t.input(name, shape, "u32");
    };
    const a = r.next() < 0.5 ? t.iota(shape) : fresh();
    const word = r.pick([
      () => t.threefry(r.whole(0, 2 ** 32 - 1), 7, t.iota(shape), r.whole(0, 9)),
      () => t.xor(t.mul(a, 2654435761), t.shr(a, 3)),
      () => t.mod(t.add(a, t.shl(a, 4)), 1009),
      () => t.where(t.eq(t.and(a, 1), 0), t.div(a, 3), t.or(a, 256)),
      () => t.minimum(a, t.sub(0, a)),
    ])();
    this.#whole.push(word);
    const signed = t.sub(t.cast(t.shr(word, 1), "i32"), 1 << 30);
    this.#whole.push(signed);
    if (size(shape) > 0)
      this.#whole.push(r.pick([t.sum, t.max, t.min])(r.pick([word, signed]), [0].slice(0, shape.length)));
    this.#keep(t.mul(t.cast(t.shr(word, 8), "f32"), 2 ** -24));
  }

  #set(variable: Variable, value: Tensor): void {
    const node = t.assign(variable, value, this.#versions.get(variable)!);
    this.#versions.set(variable, node);
    if (this.#random.next() < 0.3) this.#keep(node);
  }

  #assign(): void {
    const r = this.#random;
    const x = this.#any();
    const known = [...this.#versions.keys()];
    const variable = known.length > 0 && r.next() < 0.7 ? r.pick(known) : this.#variable(x.shape);
    const now = this.#versions.get(variable)!;
    const { shape } = variable;
    const same = this.#pool.filter((p) => size(p.shape) === size(shape) && p.dtype === "f32");
    const turned = t.reshape(t.permute(now, [...shape.keys()].reverse()), shape);
    const value = r.pick([
      () => t.mul(t.add(now, 0.25), 0.9),
      () => t.tanh(turned),
      () => turned,
      () => t.mul(t.add(now, t.tanh(variable.value)), 0.5),
      () => (same.length > 0 ? t.reshape(r.pick(same), shape) : now),
      () => (same.length > 0 ? t.add(now, t.mul(t.reshape(r.pick(same), shape), 0.1)) : now),
      () => t.add(t.mul(now, 0.5), size(x.shape) > 0 ? t.mean(x) : 0),
      () => t.broadcastTo(t.constant(0.5), shape),
    ])();
    this.#set(variable, value);
  }

  #swap(): void {
    const r = this.#random;
    const known = [...this.#versions.keys()].filter((v) => v.dtype === "f32");
    const u = known.length > 0 && r.next() < 0.6 ? r.pick(known) : this.#variable(this.#shape());
    const others = known.filter((v) => v !== u && t.sizeOf(v.shape) === t.sizeOf(u.shape));
    const v = others.length > 0 ? r.pick(others) : this.#variable(u.shape);
    const w = r.next() < 0.3 ? this.#variable(u.shape) : v;
    const [a, b, c] = [u, v, w].map((x) => this.#versions.get(x)!) as [Tensor, Tensor, Tensor];
    const change = (x: Tensor, shape: readonly number[]) =>
      t.reshape(r.next() < 0.5 ? x : t.mul(x, 0.75), shape);
    this.#set(u, change(b, u.shape));
    if (w !== v) this.#set(v, change(c, v.shape));
    this.#set(w, change(a, w.shape));
  }

  #updateRows(): void {
    const r = this.#random;
    const { variable, plan, ids } = this.#table();
    const [, d] = variable.shape as [number, number];
    const now = this.#versions.get(variable)!;
    const positions = plan.inputs.positions;
    const vectors = t.gather(now, ids);
    const extra = this.#input([positions, 1]);
    const change = t.segmentSum(t.mul(t.tanh(t.mul(vectors, extra)), 1 / positions), plan.inputs);
    const here = t.rows(now, plan.inputs);
    const moment = this.#variable(variable.shape);
    // coupled L2: weight and moment read each other
    const gradient = r.next() < 0.5 ? change : t.add(change, t.mul(here, 0.1));
    const m = t.add(t.mul(t.rows(moment.value, plan.inputs), 0.9), gradient);
    const write = (v: Variable, value: Tensor) => {
      const node = t.assignRows(v, value, plan.inputs, this.#versions.get(v)!);
      this.#versions.set(v, node);
      if (r.next() < 0.3) this.#keep(node);
      return node;
    };
    const next = t.sub(here, t.mul(0.3, r.next() < 0.5 ? change : m));
    const table = write(variable, next);
    if (r.next() < 0.7) write(moment, m);
    // what lies beyond the touched rows means nothing, until it is masked
    if (r.next() < 0.4) {
      const touched = t.lt(t.iota([positions, 1]), plan.inputs.count);
      this.#keep(t.where(touched, change, t.constant(0, "f32", [positions, d])));
    }
    // whole-table passes after the touched rows, as dense Adam on a table makes them
    if (r.next() < 0.4)
      this.#set(variable, t.add(t.mul(table, 0.99), t.mul(t.tanh(this.#versions.get(moment)!), 0.01)));
  }

  #readVersion(): void {
    const versions = [...this.#versions];
    if (versions.length === 0) return;
    const [variable, now] = this.#random.pick(versions);
    this.#keep(this.#random.pick([() => variable.value, () => now, () => t.sub(now, variable.value)])());
  }
}

function broadcast(a: readonly number[], b: readonly number[]): number[] {
  return [...t.add(t.input("a", a), t.input("b", b)).shape];
}

/** A random shape of `n` elements. */
function refactor(n: number, r: Random): number[] {
  if (n === 0) return [0];
  const out: number[] = [];
  let rest = n;
  while (rest > 1 && out.length < 3) {
    const divisors = [1, 2, 3, 4, 5, 7, 8, 13, 16, 17].filter((d) => rest % d === 0);
    const d = r.pick(divisors);
    out.push(d);
    rest /= d;
  }
  if (rest > 1) out.push(rest);
  return r.shuffle(out);
}
