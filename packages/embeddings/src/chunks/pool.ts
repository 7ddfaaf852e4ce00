/**
 * The device's part of the chunk store: one pool of chunks for each capacity, values, optimizer state and utilities side by
 * side under the same addresses. Row 0 of each is the zero chunk: it reads as zero and is never written. A pool of
 * another capacity is another pool; `resized` makes it and leaves this one as it is.
 */
import {
  add,
  assign,
  assignRows,
  constant,
  type Device,
  gather,
  input,
  iota,
  mul,
  type Program,
  randomNormal,
  reshape,
  type Tensor,
  type Variable,
  where,
} from "@trimtab/tensor-core";
import { VALUE_BYTES } from "../scheme/scheme.ts";
import { type Arrivals, PLACED_AT_ONCE } from "./arrivals.ts";
import { type List, list, upTo } from "./lists.ts";
import type { StoreShape } from "./options.ts";

type Step = Program<Record<string, Tensor>>;

export class Pool {
  readonly capacity: number;
  /** f32 [capacity + 1, c] */
  readonly values: Variable;
  /** The rule's state, each f32 [capacity + 1, c]. */
  readonly slots: readonly Variable[];
  /** f32 [capacity + 1, 1], see `Clock` for the unit. */
  readonly utility: Variable;
  /** f32 [candidates + 1, 1]; shared by all pools of a store. */
  readonly candidates: Variable;
  readonly #device: Device;
  readonly #shape: StoreShape;
  readonly #programs: Step[] = [];
  #place!: Step;
  #retire!: Step;
  #rescale!: Step;

  private constructor(device: Device, shape: StoreShape, capacity: number, candidates: Variable) {
    this.#device = device;
    this.#shape = shape;
    this.capacity = capacity;
    this.candidates = candidates;
    const made: Variable[] = [];
    const make = (part: string, columns: number) => {
      const v = device.variable(`${shape.name}.${part}`, [capacity + 1, columns]);
      made.push(v);
      return v;
    };
    try {
      this.values = make("values", shape.width);
      this.slots = shape.rule.slots.map((slot) => make(slot, shape.width));
      this.utility = make("utility", 1);
    } catch (reason) {
      // what does not fit must not leave its smaller neighbours behind
      for (const v of made) v.dispose();
      throw reason;
    }
  }

  /** A pool of zeros. `former`: another one of the same shape and candidates, whose programs save work. Throws BufferTooLarge over the binding limit. */
  static async make(
    device: Device,
    shape: StoreShape,
    capacity: number,
    candidates: Variable,
    former?: Pool,
  ): Promise<Pool> {
    const pool = new Pool(device, shape, capacity, candidates);
    try {
      await pool.#compile(former);
      return pool;
    } catch (reason) {
      pool.dispose();
      throw reason;
    }
  }

  /** Values first, then state by the rule's names, then utilities. */
  get variables(): Variable[] {
    return [this.values, ...this.slots, this.utility];
  }

  get bytes(): number {
    return this.variables.reduce((n, v) => n + v.size * VALUE_BYTES, 0);
  }

  /** Queues first values, fresh state and utilities of chunks that have just become live. */
  place(arrivals: Arrivals): void {
    for (const feeds of arrivals.feeds()) this.#place.run(feeds);
  }

  /** Queues copies of utilities: of addresses `from` to candidates' slots `to`. */
  retire(from: Uint32Array, to: Uint32Array): void {
    for (let at = 0; at < to.length; at += PLACED_AT_ONCE) {
      const rows = to.subarray(at, at + PLACED_AT_ONCE);
      const source = from.subarray(at, at + PLACED_AT_ONCE);
      this.#retire.run({ "retired.rows": rows, "retired.source": source, "retired.count": rows.length });
    }
  }

  /** Queues a product of all utilities and `factor`. */
  rescale(factor: number): void {
    this.#rescale.run({ factor });
  }

  /** A pool of `capacity` chunks with this one's: number a comes from number `from[a]` of this pool. */
  async resized(capacity: number, from: Uint32Array): Promise<Pool> {
    const pool = await Pool.make(this.#device, this.#shape, capacity, this.candidates, this);
    // as a variable, because all feeds share one buffer, which has a limit too
    let sources: Variable | undefined;
    try {
      sources = this.#device.variable("moved", [capacity + 1], { dtype: "u32", data: from });
      const moved = sources.value;
      const updates = pool.variables.map((v, i) => assign(v, gather(this.variables[i]!.value, moved)));
      using program = await this.#device.compile({ updates });
      program.run();
      await this.#device.idle();
      return pool;
    } catch (reason) {
      pool.dispose();
      throw reason;
    } finally {
      sources?.dispose();
    }
  }

  dispose(): void {
    for (const program of this.#programs) program.dispose();
    for (const v of this.variables) v.dispose();
  }

  async #compile(former: Pool | undefined): Promise<void> {
    const { values, slots, utility, candidates } = this;
    const { rule, width } = this.#shape;
    const replaced = new Map(former?.variables.map((v, i) => [v, this.variables[i]!]));
    const again = former ? { place: former.#place, retire: former.#retire } : undefined;
    const compile = async (updates: () => Tensor[], like?: Step): Promise<Step> => {
      const made = like && (await this.#device.compileAgain(like, replaced));
      const program = made ?? (await this.#device.compile({ updates: updates() }));
      this.#programs.push(program);
      return program;
    };
    const placed = list("placed", PLACED_AT_ONCE);
    const utilityOf = (from: Variable, { source }: List) => gather(from.value, source);
    this.#place = await compile(
      () => [
        assignRows(values, this.#firstValues(), placed.plan),
        ...slots.map((slot, i) =>
          assignRows(slot, constant(rule.initial[i]!, "f32", [PLACED_AT_ONCE, width]), placed.plan),
        ),
        assignRows(utility, utilityOf(candidates, placed), placed.plan),
      ],
      again?.place,
    );
    const retired = list("retired", PLACED_AT_ONCE);
    this.#retire = await compile(
      () => [assignRows(candidates, utilityOf(utility, retired), retired.plan)],
      again?.retire,
    );
    const factor = input("factor", []);
    this.#rescale = await compile(() => [utility, candidates].map((v) => assign(v, mul(v.value, factor))));
  }

  /** [PLACED_AT_ONCE, c]: fed, or drawn where `fresh` says so. */
  #firstValues(): Tensor {
    const { width, drawnOnHost, seed, std } = this.#shape;
    if (drawnOnHost) return input("placed.values", [PLACED_AT_ONCE, width]);
    const column = (part: string) => reshape(upTo(`placed.${part}`, PLACED_AT_ONCE), [PLACED_AT_ONCE, 1]);
    const rng = { seed: add(column("keys"), iota([1, width])), step: column("counters") };
    return where(column("fresh"), mul(randomNormal([], rng, seed), std), 0);
  }
}
