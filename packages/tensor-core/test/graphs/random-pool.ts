/** What a random program is made from: the tensors and variables so far, and fresh ones. */
import { Random } from "@trimtab/test-support";
import type { Tensor, Variable } from "../../src/index.ts";
import * as t from "../../src/index.ts";
import type { TestPlan } from "../plans.ts";
import { size } from "../reference/index-space.ts";

/** Makes a variable; a device's own, or one without a device. */
export type MakeVariable = (name: string, shape: readonly number[], dtype?: t.DType) => Variable;

export const MOST_ELEMENTS = 12000;
const EXTENTS = [1, 2, 3, 4, 5, 7, 8, 13, 16, 17, 31];
const LONG = [65, 100, 127, 300, 1031, 4097];

export interface Table {
  readonly variable: Variable;
  readonly plan: TestPlan;
  readonly ids: Tensor;
}

export class Pool {
  random: Random;
  readonly pool: Tensor[] = [];
  /** Tensors of whole numbers. */
  readonly whole: Tensor[] = [];
  readonly feeds: Record<string, t.HostArray> = {};
  readonly contents = new Map<Variable, t.HostArray>();
  /** The newest version of each variable. */
  readonly versions = new Map<Variable, Tensor>();
  readonly tables: Table[] = [];
  readonly #make: MakeVariable;
  #names = 0;

  constructor(seed: number, make: MakeVariable) {
    this.random = new Random(seed);
    this.#make = make;
  }

  freshName(prefix: string): string {
    return `${prefix}${this.#names++}`;
  }

  shape(): number[] {
    const r = this.random;
    const shape = Array.from({ length: r.whole(0, 3) }, () => r.pick(EXTENTS));
    if (r.next() < 0.25) shape[r.whole(0, Math.max(0, shape.length - 1))] = r.pick(LONG);
    if (r.next() < 0.03) shape[r.whole(0, Math.max(0, shape.length - 1))] = 0;
    while (size(shape) > MOST_ELEMENTS) shape.pop();
    return shape;
  }

  content(shape: readonly number[]): Float32Array {
    return Float32Array.from({ length: size(shape) }, () => this.random.between(-1.5, 1.5));
  }

  input(shape: readonly number[]): Tensor {
    const name = this.freshName("x");
    this.feeds[name] = this.content(shape);
    return t.input(name, shape);
  }

  variable(shape: readonly number[]): Variable {
    const variable = this.#make(this.freshName("v"), shape);
    this.contents.set(variable, this.content(shape));
    this.versions.set(variable, variable.value);
    return variable;
  }

  /** A tensor of the pool, mostly a late one. */
  any(): Tensor {
    const r = this.random;
    return r.next() < 0.5 ? r.pick(this.pool.slice(-4)) : r.pick(this.pool);
  }

  keep(x: Tensor): Tensor {
    if (size(x.shape) <= MOST_ELEMENTS && x.shape.length <= 5) this.pool.push(x);
    return x;
  }

  /** Something that broadcasts with `shape`: from the pool where one fits, else a reduction of one. */
  partner(shape: readonly number[]): Tensor {
    const r = this.random;
    const fits = this.pool.filter((p) => {
      try {
        return size(broadcast(p.shape, shape)) <= MOST_ELEMENTS;
      } catch {
        return false;
      }
    });
    if (fits.length > 0 && r.next() < 0.8) return r.pick(fits);
    if (r.next() < 0.5) return this.input(shape.map((d) => (r.next() < 0.3 ? 1 : d)));
    const x = this.any();
    return size(x.shape) === 0 ? t.constant(0.25) : t.mean(x);
  }

  ids(count: number, n: number): { ids: Tensor; list: number[] } {
    const r = this.random;
    // few distinct ids, so that runs get long
    const distinct = Math.min(n, r.pick([1, 3, n]));
    const list = Array.from({ length: count }, () => r.whole(0, distinct - 1));
    const name = this.freshName("ids");
    this.feeds[name] = Uint32Array.from(list);
    return { ids: t.input(name, [count], "u32"), list };
  }
}

function broadcast(a: readonly number[], b: readonly number[]): number[] {
  return [...t.add(t.input("a", a), t.input("b", b)).shape];
}
