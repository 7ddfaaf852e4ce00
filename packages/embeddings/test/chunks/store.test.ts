// The chunk store against a plain dictionary, by random commands: what is live, what it reads, what gradients do to it, what it costs.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Device,
  input,
  loadTensors,
  openDevice,
  type Program,
  planInputs,
  RowGradient,
  type Rule,
  reshape,
  rowAdagrad,
  rowAdam,
  rowSgd,
  saveTensors,
  type Tensor,
} from "@trimtab/tensor-core";
import { asyncLaw, feedsOf, needed, Random } from "@trimtab/test-support";
import fc from "fast-check";
import { stepInputs } from "../../src/chunks/step.ts";
import { ChunkStore, ChunkStoreError, type ChunkStoreOptions, FIRST, LIVE } from "../../src/index.ts";
import { normalOf, threefry } from "../../src/tables/host-normals.ts";
import { onEachEngine } from "../engines.ts";

setDefaultTimeout(240_000);

const folder = mkdtempSync(join(tmpdir(), "trimtab-chunk-store-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const BATCH = 6;
const FIELDS = [
  { name: "a", rows: 9, slots: 1 },
  { name: "b", rows: 14, slots: 2 },
];
const POSITIONS = BATCH * 3;

interface Chunk {
  values: number[];
  state: number[][];
  utility: number;
}

/** What the store should be, in plain maps. Keys are row x K + chunk. */
class Dictionary {
  readonly live = new Map<number, Chunk>();
  readonly tracked = new Map<number, number>();
  readonly options: ChunkStoreOptions;
  steps = 0;

  constructor(options: ChunkStoreOptions) {
    this.options = options;
  }

  get width(): number {
    return this.options.dim / this.options.chunks;
  }

  firstValues(row: number, chunk: number): number[] {
    const field = row < FIELDS[0]!.rows ? 0 : 1;
    const counter = row - (field === 0 ? 0 : FIELDS[0]!.rows);
    return Array.from(
      { length: this.width },
      (_, j) =>
        normalOf(threefry((field << 16) + chunk * this.width + j, this.options.seed, counter)) *
        this.options.std!,
    );
  }

  fresh(values: number[], utility: number): Chunk {
    const { rule } = this.options;
    return { values, state: rule.slots.map((_, i) => values.map(() => rule.initial[i]!)), utility };
  }
}

/** One rule's step in plain numbers. */
function move(rule: Rule, step: number, chunk: Chunk, gradient: readonly number[]): void {
  const lr = rule.learningRate;
  gradient.forEach((g0, j) => {
    const g = g0 + rule.l2 * chunk.values[j]!;
    if (rule.name === "rowSgd") chunk.values[j]! -= lr * g;
    else if (rule.name === "rowAdagrad") {
      chunk.state[0]![j]! += g * g;
      chunk.values[j]! -= (lr * g) / (Math.sqrt(chunk.state[0]![j]!) + 1e-10);
    } else {
      const [m, v] = chunk.state as [number[], number[]];
      m[j] = 0.9 * m[j]! + 0.1 * g;
      v[j] = 0.999 * v[j]! + 0.001 * g * g;
      const up = m[j]! / (1 - 0.9 ** step);
      const down = Math.sqrt(v[j]! / (1 - 0.999 ** step)) + 1e-8;
      chunk.values[j]! -= (lr * up) / down;
    }
  });
}

type Command =
  | { readonly kind: "step"; readonly seed: number }
  | { readonly kind: "look"; readonly seed: number }
  | { readonly kind: "adjust"; readonly evict: number; readonly restore: number; readonly seed: number }
  | { readonly kind: "target"; readonly chunks: number }
  | { readonly kind: "resize"; readonly by: number }
  | { readonly kind: "save" }
  | { readonly kind: "wrong"; readonly seed: number };

const commands: fc.Arbitrary<Command[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("step" as const), seed: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("look" as const), seed: fc.nat() }) },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant("adjust" as const),
        evict: fc.double({ min: 0, max: 1, noNaN: true }),
        restore: fc.double({ min: 0, max: 1, noNaN: true }),
        seed: fc.nat(),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("target" as const), chunks: fc.nat(60) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("resize" as const), by: fc.integer({ min: -9, max: 9 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("save" as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("wrong" as const), seed: fc.nat() }) },
  ),
  { minLength: 4, maxLength: 22 },
);

const optionsOf: fc.Arbitrary<ChunkStoreOptions> = fc.record({
  fields: fc.constant(FIELDS),
  dim: fc.constant(8),
  chunks: fc.constantFrom(1, 2, 4, 8),
  rule: fc.constantFrom(
    rowSgd({ lr: 0.1 }),
    rowAdagrad({ lr: 0.1, initial: 0.5, l2: 0.01 }),
    rowAdam({ lr: 0.05 }),
  ),
  seed: fc.nat(),
  std: fc.constant(0.5),
  gamma: fc.constantFrom(0.9, 0.01, 1),
  capacity: fc.constantFrom(0, 3, 40),
  target: fc.constantFrom(Number.POSITIVE_INFINITY, 20, 2.5, 0),
  candidateBytes: fc.constantFrom(0, 300, 100_000),
});

/** A row whose last slot goes to one before it in the batch: it is known, so it must not become live in the place of one that is new. */
const STOLEN_SLOTS: { readonly options: ChunkStoreOptions; readonly commands: Command[] } = {
  options: {
    ...{ fields: FIELDS, dim: 8, chunks: 4, rule: rowSgd({ lr: 0.1 }), seed: 0, std: 0.5, gamma: 0.9 },
    ...{ capacity: 0, target: Number.POSITIVE_INFINITY, candidateBytes: 300 },
  },
  commands: [
    { kind: "target", chunks: 1 },
    { kind: "step", seed: 228159635 },
    { kind: "target", chunks: 34 },
    { kind: "step", seed: 0 },
    { kind: "look", seed: 1568729568 },
    { kind: "step", seed: 677987998 },
    { kind: "step", seed: 0 },
  ],
};

/** A store beside its dictionary; every command changes both and compares. */
class Pair {
  store: ChunkStore;
  readonly plain: Dictionary;
  readonly device: Device;
  #program: Program<{ vectors: Tensor }> | undefined;
  #built = { generation: -1, store: undefined as ChunkStore | undefined };

  constructor(device: Device, store: ChunkStore, options: ChunkStoreOptions) {
    this.device = device;
    this.store = store;
    this.plain = new Dictionary(options);
  }

  get #k(): number {
    return this.store.shape.chunks;
  }

  async #stepProgram(): Promise<Program<{ vectors: Tensor }>> {
    const { generation } = this.store;
    if (this.#program && this.#built.generation === generation && this.#built.store === this.store)
      return this.#program;
    this.#program?.dispose();
    const plan = planInputs("all", POSITIONS);
    const inputs = stepInputs(this.store.shape, [BATCH, 3], plan, "tables");
    const { vectors } = this.store.vectors(inputs, plan);
    const g = reshape(input("g", [BATCH, 3, 8]), [POSITIONS, 8]);
    const gradient = new RowGradient(this.store.values, plan, g);
    this.#program = await this.device.compile({
      outputs: { vectors },
      updates: this.store.updates(gradient, inputs),
    });
    this.#built = { generation, store: this.store };
    return this.#program;
  }

  #vector(row: number): number[] {
    return Array.from(
      { length: this.#k },
      (_, k) => this.plain.live.get(row * this.#k + k)?.values ?? new Array(this.plain.width).fill(0),
    ).flat();
  }

  async step(seed: number, withRoom = true): Promise<void> {
    const { store, plain } = this;
    const random = new Random(seed);
    // few rows a step, so that some are seen often
    const values = Array.from({ length: BATCH }, () => [
      [random.below(FIELDS[0]!.rows)],
      Array.from({ length: random.below(3) }, () => 3 + random.below(5) + (random.next() < 0.2 ? 6 : 0)),
    ]);
    const feeds = feedsOf(store.shape.layout, FIELDS, values);
    const plan = {
      rows: feeds["all.rows"] as Uint32Array,
      count: feeds["all.count"] as number,
      sorted: feeds["all.sorted"] as Uint32Array,
      offsets: feeds["all.offsets"] as Uint32Array,
    };
    if (withRoom) await store.makeRoom(plan);
    const free = store.free;
    const program = await this.#stepProgram();
    const g = Float32Array.from({ length: POSITIONS * 8 }, () => random.next() - 0.5);
    const own = store.resolve(plan, POSITIONS);
    plain.steps++;
    this.#arrive(plan.rows, withRoom ? Number.POSITIVE_INFINITY : free);
    const { rule } = plain.options;
    const scalars = Object.fromEntries(
      rule.scalars(plain.steps).map((x, i) => [`tables.${rule.scalarNames[i]}`, x]),
    );
    const { vectors } = await program.fetch(
      needed(program, { ...feeds, ...(own as typeof feeds), g, "tables.lr": rule.learningRate, ...scalars }),
    );
    const ids = feeds["all.ids"] as Uint32Array;
    const weights = feeds["all.weights"] as Float32Array;
    const wanted: number[] = [];
    const read: number[] = [];
    ids.forEach((row, p) => {
      if (weights[p] === 0) return;
      wanted.push(...this.#vector(row));
      read.push(...(vectors as Float32Array).subarray(p * 8, p * 8 + 8));
    });
    expectClose(read, wanted);
    const gains = this.#learn(plan, g);
    if (store.candidates === store.shape.candidates) await this.#begunAgain(gains);
  }

  /** Where all slots are taken, a row may lose its slot to one before it in the batch and take another: it begins again. */
  async #begunAgain(gains: ReadonlyMap<number, number>): Promise<void> {
    const utilities = await this.store.utilities();
    for (const [owner, gain] of gains) {
      const u = utilities.of(Math.floor(owner / this.#k), owner % this.#k);
      if (this.plain.tracked.has(owner) && Math.abs(u - gain) <= 2e-4 * gain)
        this.plain.tracked.set(owner, gain);
    }
  }

  /** Rows that are new, as the store has decided, within what it may decide. */
  #arrive(rows: Uint32Array, free: number): void {
    const { store, plain } = this;
    const slots = store.shape.candidates;
    const isKnown = (row: number) =>
      Array.from({ length: this.#k }, (_, k) => row * this.#k + k).some(
        (o) => plain.live.has(o) || plain.tracked.has(o),
      );
    // as many chunks as there is room for, of whole rows but for one; which rows come first is the store's affair
    const unknown = [...rows].filter((row) => !isKnown(row));
    const room = Math.max(0, Math.min(Math.floor(store.target) - plain.live.size, free));
    const counts = unknown.map((row) => {
      let n = 0;
      while (n < this.#k && store.isLive(row, n)) n++;
      for (let k = 0; k < this.#k; k++) {
        expect(store.isLive(row, k)).toBe(k < n);
        if (k < n) plain.live.set(row * this.#k + k, plain.fresh(plain.firstValues(row, k), 0));
      }
      return n;
    });
    const all = counts.reduce((a, b) => a + b, 0);
    expect(all).toBe(Math.min(room, unknown.length * this.#k));
    expect(counts.filter((n) => n > 0 && n < this.#k).length).toBeLessThan(2);
    // what has a slot is tracked; a slot is lost only where all are taken
    const before = [...plain.tracked.keys()];
    for (let owner = 0; owner < 23 * this.#k; owner++) {
      const row = Math.floor(owner / this.#k);
      const is = store.isCandidate(row, owner % this.#k);
      if (is && !plain.tracked.has(owner)) {
        expect(rows.includes(row)).toBe(true);
        expect(plain.live.has(owner)).toBe(false);
        plain.tracked.set(owner, 0);
      } else if (!is && plain.tracked.has(owner)) plain.tracked.delete(owner);
    }
    if (before.some((owner) => !plain.tracked.has(owner))) expect(store.candidates).toBe(slots);
    // while there are slots, everything that a batch touched and that is not live is tracked
    if (store.candidates < slots) {
      for (const row of rows)
        for (let k = 0; k < this.#k; k++)
          expect(store.isLive(row, k) || store.isCandidate(row, k)).toBe(true);
    }
  }

  #learn(
    { rows, sorted, offsets }: { rows: Uint32Array; sorted: Uint32Array; offsets: Uint32Array },
    g: Float32Array,
  ): Map<number, number> {
    const { plain } = this;
    const { gamma = 0.99, rule } = plain.options;
    const gains = new Map<number, number>();
    for (const chunk of plain.live.values()) chunk.utility *= gamma;
    for (const [owner, u] of plain.tracked) plain.tracked.set(owner, u * gamma);
    rows.forEach((row, u) => {
      const accesses = offsets[u + 1]! - offsets[u]!;
      for (let k = 0; k < this.#k; k++) {
        const sums = new Array(plain.width).fill(0);
        for (let i = offsets[u]!; i < offsets[u + 1]!; i++) {
          for (let j = 0; j < plain.width; j++) sums[j] += g[sorted[i]! * 8 + k * plain.width + j]!;
        }
        const gain = accesses * Math.hypot(...sums);
        const owner = row * this.#k + k;
        const chunk = plain.live.get(owner);
        gains.set(owner, gain);
        if (chunk) {
          chunk.utility += gain;
          move(rule, plain.steps, chunk, sums);
        } else if (plain.tracked.has(owner)) plain.tracked.set(owner, plain.tracked.get(owner)! + gain);
      }
    });
    return gains;
  }

  adjust(evictShare: number, restoreShare: number, seed: number): void {
    const { store, plain } = this;
    const random = new Random(seed);
    const evict = [...plain.live.keys()].filter(() => random.next() < evictShare);
    const idle = [...Array(23 * this.#k).keys()].filter(
      (o) => !plain.live.has(o) && random.next() < restoreShare,
    );
    const restore = idle.slice(0, store.free + evict.length);
    const list = (owners: number[]) => ({
      rows: Float64Array.from(owners, (o) => Math.floor(o / this.#k)),
      chunks: Uint8Array.from(owners, (o) => o % this.#k),
    });
    const full = store.candidates;
    store.adjust({ evict: list(evict), restore: list(restore) });
    for (const owner of restore) {
      plain.live.set(owner, plain.fresh(new Array(plain.width).fill(0), plain.tracked.get(owner) ?? 0));
      plain.tracked.delete(owner);
    }
    const utilities = evict.map((owner) => plain.live.get(owner)!.utility);
    for (const owner of evict) plain.live.delete(owner);
    let lost = 0;
    for (const owner of [...plain.tracked.keys()]) {
      if (store.isCandidate(Math.floor(owner / this.#k), owner % this.#k)) continue;
      plain.tracked.delete(owner);
      lost++;
    }
    evict.forEach((owner, i) => {
      if (store.isCandidate(Math.floor(owner / this.#k), owner % this.#k))
        plain.tracked.set(owner, utilities[i]!);
      else lost++;
    });
    if (lost > 0) expect(full + evict.length).toBeGreaterThan(store.shape.candidates);
  }

  async save(path: string): Promise<void> {
    saveTensors(path, await this.store.capture());
    const other = await ChunkStore.make(this.device, this.plain.options);
    // something else in it first, so that nothing but the file can make it right
    await other.restore(loadTensors(path), path);
    this.store.dispose();
    this.store = other;
  }

  /** Refused commands change nothing. */
  async wrong(seed: number): Promise<void> {
    const { store, plain } = this;
    const random = new Random(seed);
    const none = { rows: [], chunks: [] };
    const live = [...plain.live.keys()];
    const owner = live[random.below(live.length)] ?? 0;
    const it = { rows: [Math.floor(owner / this.#k)], chunks: [owner % this.#k] };
    const twice = { rows: [...it.rows, ...it.rows], chunks: [...it.chunks, ...it.chunks] };
    const refused = live.length > 0 ? { evict: none, restore: it } : { evict: it, restore: none };
    expect(() => store.adjust(refused)).toThrow(ChunkStoreError);
    expect(() => store.adjust({ evict: twice, restore: none })).toThrow(ChunkStoreError);
    expect(() => store.adjust({ evict: { rows: [99], chunks: [0] }, restore: none })).toThrow(
      "does not exist",
    );
    const outside = {
      rows: Uint32Array.of(2, 23),
      count: 2,
      sorted: new Uint32Array(2),
      offsets: new Uint32Array(3),
    };
    expect(() => store.resolve(outside, 2)).toThrow("have 23 rows");
    const error = await store.resize(store.live - 1).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ChunkStoreError);
  }

  /** The whole store is the dictionary. */
  async compare(): Promise<void> {
    const { store, plain } = this;
    expect(store.live).toBe(plain.live.size);
    expect(store.live + store.free).toBe(store.capacity);
    expect(store.candidates).toBe(plain.tracked.size);
    const rows = Uint32Array.from({ length: 23 }, (_, row) => row);
    const addresses = store.look(rows);
    const used = addresses.filter((a) => a > 0);
    expect(new Set(used).size).toBe(used.length);
    expect(used.length).toBe(plain.live.size);
    expect(used.every((a) => a <= store.capacity)).toBe(true);
    const [values, ...rest] = await Promise.all(store.variables.map((v) => v.read()));
    const { width } = plain;
    const utilities = await store.utilities();
    for (let owner = 0; owner < 23 * this.#k; owner++) {
      const row = Math.floor(owner / this.#k);
      const chunk = plain.live.get(owner);
      const address = addresses[owner]!;
      expect(address > 0).toBe(chunk !== undefined);
      expect(store.isLive(row, owner % this.#k)).toBe(chunk !== undefined);
      expect(store.isCandidate(row, owner % this.#k)).toBe(plain.tracked.has(owner));
      const wanted = chunk?.utility ?? plain.tracked.get(owner) ?? 0;
      expectClose([utilities.of(row, owner % this.#k)], [wanted]);
      if (!chunk) continue;
      const at = (all: ArrayLike<number>) =>
        Array.from({ length: width }, (_, j) => all[address * width + j]!);
      expectClose(at(values!), chunk.values);
      chunk.state.forEach((state, i) => {
        expectClose(at(rest[i]!), state);
      });
    }
    for (const all of [values!, ...rest.slice(0, -1)])
      expect([...all.subarray(0, width)]).toEqual(new Array(width).fill(0));
    const visits: { row: number; chunk: number; utility: number; live: boolean }[] = [];
    utilities.each((row, chunk, utility, live) => {
      visits.push({ row, chunk, utility, live });
      expect(utility).toBe(utilities.of(row, chunk));
      expect(live).toBe(store.isLive(row, chunk));
    });
    expect(visits.length).toBe(plain.live.size + plain.tracked.size);
    const tracked = utilities.tracked();
    expect(tracked).toEqual({
      utilities: Float32Array.from(visits, (v) => v.utility),
      flags: Uint8Array.from(
        visits,
        (v, i) => (v.live ? LIVE : 0) | (v.row === visits[i - 1]?.row ? 0 : FIRST),
      ),
      fields: Uint16Array.from(visits, (v) => (v.row < FIELDS[0]!.rows ? 0 : 1)),
      chunks: Uint16Array.from(visits, (v) => v.chunk),
    });
    const taken = Uint8Array.from(visits, (_, i) => ((i * 2654435761) >>> 7) & 1);
    const list = (some: typeof visits) => ({
      rows: Float64Array.from(some, (v) => v.row),
      chunks: Uint16Array.from(some, (v) => v.chunk),
    });
    expect(utilities.changes(tracked, taken)).toEqual({
      evict: list(visits.filter((v, i) => v.live && taken[i] === 0)),
      restore: list(visits.filter((v, i) => !v.live && taken[i] === 1)),
    });
  }

  /** What the store says it holds is what is allocated. */
  bytes(before: number): void {
    const { device, payload, total, host } = this.store.memory();
    const onDevice = Object.values(device).reduce((a, b) => a + b, 0);
    expect(this.device.memory().variableBytes - before).toBe(onDevice);
    expect(total).toBe(onDevice + Object.values(host).reduce((a, b) => a + b, 0));
    expect(payload).toBe(this.plain.live.size * this.plain.width * 4);
  }

  dispose(): void {
    this.#program?.dispose();
    this.store.dispose();
  }
}

function expectClose(read: readonly number[], wanted: readonly number[]): void {
  expect(read.length).toBe(wanted.length);
  read.forEach((x, i) => {
    const y = wanted[i]!;
    if (Math.abs(x - y) <= 2e-5 + 2e-4 * Math.abs(y)) return;
    throw new Error(`number ${i} is ${x}, the dictionary has ${y}`);
  });
}

onEachEngine((engine) => {
  let device: Device;
  beforeAll(async () => {
    device = await openDevice({ engine });
  });
  afterAll(() => device.dispose());

  describe("the chunk store", () => {
    test("law: random commands leave it what a plain dictionary is", async () => {
      const path = join(folder, `${engine}.safetensors`);
      await asyncLaw(
        fc.asyncProperty(optionsOf, commands, async (options, list) => {
          const before = device.memory();
          const pair = new Pair(device, await ChunkStore.make(device, options), options);
          try {
            for (const command of list) {
              if (command.kind === "step") await pair.step(command.seed);
              else if (command.kind === "look") await pair.step(command.seed, false);
              else if (command.kind === "adjust") pair.adjust(command.evict, command.restore, command.seed);
              else if (command.kind === "target") pair.store.target = command.chunks;
              else if (command.kind === "resize") {
                await pair.store.resize(Math.max(pair.store.live, pair.store.capacity + command.by));
              } else if (command.kind === "save") await pair.save(path);
              else await pair.wrong(command.seed);
              pair.bytes(before.variableBytes);
              await pair.compare();
            }
          } finally {
            pair.dispose();
          }
          expect(device.memory()).toEqual(before);
        }),
        engine === "cpu" ? 60 : 4,
        [[STOLEN_SLOTS.options, STOLEN_SLOTS.commands]],
      );
    });
  });
});
