// The host's parts of the chunk store against plain maps and sets: random commands.
import { describe, expect, test } from "bun:test";
import { rowSgd } from "@trimtab/tensor-core";
import { law, Random } from "@trimtab/test-support";
import fc from "fast-check";
import { Addresses } from "../../src/chunks/addresses.ts";
import { Arrivals } from "../../src/chunks/arrivals.ts";
import { Books } from "../../src/chunks/books.ts";
import { Candidates } from "../../src/chunks/candidates.ts";
import { Doorkeeper } from "../../src/chunks/doorkeeper.ts";
import { ChunkMap, MAX_ROWS, PLACES } from "../../src/chunks/map.ts";
import { storeShape } from "../../src/chunks/options.ts";
import { FRESH, Resolver } from "../../src/chunks/resolver.ts";
import { RowFields } from "../../src/chunks/row-fields.ts";
import { layoutOf } from "../../src/fields.ts";

/** Rows that collide often, and rows of both ends of the range. */
const rows = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 0, max: 40 }).map((r) => r * 2 ** 32 + 7),
  fc.integer({ min: 2 ** 31 - 3, max: 2 ** 31 + 3 }),
  fc.integer({ min: MAX_ROWS - 40, max: MAX_ROWS - 1 }),
);

const shape = storeShape({
  fields: [{ name: "a", rows: 10, slots: 1 }],
  dim: 2,
  chunks: 2,
  rule: rowSgd({ lr: 1 }),
  seed: 1,
});

type Command = { readonly kind: "enter" | "remove" | "find" | "fit"; readonly row: number };

const commands: fc.Arbitrary<Command[]> = fc.array(
  fc.record({ kind: fc.constantFrom("enter", "enter", "remove", "find", "fit"), row: rows }),
  { maxLength: 300 },
);

describe("the map", () => {
  test("law: it is a plain map of rows", () => {
    law(
      fc.property(commands, fc.integer({ min: 1, max: 5 }), (list, chunks) => {
        const map = new ChunkMap(chunks);
        const model = new Map<number, number[]>();
        let written = 0;
        for (const { kind, row } of list) {
          if (kind === "enter") {
            const at = map.enter(row);
            const places = model.get(row) ?? Array.from({ length: chunks }, () => ++written);
            if (!model.has(row)) expect(map.isEmpty(at)).toBe(true);
            map.words.set(places, at + PLACES);
            model.set(row, places);
          } else if (kind === "remove") {
            const at = map.find(row);
            expect(at >= 0).toBe(model.delete(row));
            if (at >= 0) map.remove(at);
          } else if (kind === "fit") map.fit();
          else expect(map.find(row) >= 0).toBe(model.has(row));
        }
        expect(map.size).toBe(model.size);
        expect(map.check()).toBe(true);
        expect(map.bytes).toBe(map.words.byteLength);
        const seen = new Map<number, number[]>();
        map.each((row, at) => seen.set(row, [...map.words.subarray(at + PLACES, at + PLACES + chunks)]));
        expect(seen).toEqual(model);
        for (const row of model.keys()) expect(map.find(row)).toBeGreaterThanOrEqual(0);
        const asked = [...new Set(list.map(({ row }) => row))];
        const found = new Uint32Array(asked.length * chunks).fill(7);
        map.findEach(asked, asked.length, found, chunks);
        asked.forEach((row, u) => {
          expect(found[u * chunks]).toBe(map.find(row) + 1);
          for (let k = 1; k < chunks; k++) expect(found[u * chunks + k]).toBe(7);
          for (const other of model.keys()) expect(map.isAt(row, map.find(other))).toBe(row === other);
        });
      }),
      300,
    );
  });

  test("removing from a full cluster at the end of the array keeps the rest reachable", () => {
    law(
      fc.property(fc.uniqueArray(fc.nat(500), { minLength: 200, maxLength: 400 }), fc.nat(), (list, at) => {
        const map = new ChunkMap(2, list.length);
        for (const row of list) map.enter(row);
        const from = at % list.length;
        const gone = list.slice(from, from + 60);
        for (const row of gone) map.remove(map.find(row));
        for (const row of list) expect(map.find(row) >= 0).toBe(!gone.includes(row));
        expect(map.check()).toBe(true);
      }),
      50,
    );
  });

  test("a damaged map is noticed", () => {
    const map = new ChunkMap(1);
    for (let row = 0; row < 9; row++) map.enter(row);
    const damaged = (change: (words: Int32Array) => void, size = map.size) => {
      const words = map.words.slice();
      change(words);
      return ChunkMap.over(1, words, size).check();
    };
    expect(damaged(() => undefined)).toBe(true);
    expect(damaged(() => undefined, 8)).toBe(false);
    const filled = map.find(3);
    expect(damaged((w) => w.fill(0, filled, filled + 3))).toBe(false);
    expect(damaged((w) => w.fill(12345, filled, filled + 1))).toBe(false);
    expect(damaged((w) => w.fill(1, 0))).toBe(false);
  });
});

test("law: every row is of the field whose rows it lies in", () => {
  const sizes = fc.oneof(
    fc.integer({ min: 1, max: 20 }),
    fc.integer({ min: 1, max: 5000 }),
    fc.integer({ min: 2 ** 20, max: 2 ** 34 }),
  );
  law(
    fc.property(fc.array(sizes, { minLength: 1, maxLength: 40 }), fc.nat(), (list, at) => {
      const fields = list.map((n, f) => ({ name: `f${f}`, rows: n, slots: 1 }));
      const layout = layoutOf("all", fields);
      const of = new RowFields(layout);
      layout.fields.forEach(({ base }, f) => {
        const n = list[f]!;
        for (const row of [0, at % n, n - 1]) expect(of.of(base + row)).toBe(f);
      });
    }),
    200,
  );
});

describe("addresses", () => {
  test("law: nothing is owned twice, live + free = capacity, the last freed is the next taken", () => {
    law(
      fc.property(
        fc.integer({ min: 0, max: 50 }),
        fc.array(fc.nat(99), { maxLength: 200 }),
        (capacity, list) => {
          let addresses = new Addresses(capacity);
          const owned = new Set<number>();
          const freed: number[] = [];
          for (const n of list) {
            if (n < 50 && owned.size > 0) {
              const address = [...owned][n % owned.size]!;
              owned.delete(address);
              freed.push(address);
              addresses.give(address);
            } else if (n >= 95) {
              addresses = Addresses.over(capacity, addresses.next, addresses.freed());
            } else if (addresses.free > 0) {
              const address = addresses.take();
              expect(address).toBeWithin(1, capacity + 1);
              expect(owned.has(address)).toBe(false);
              if (freed.length > 0) expect(address).toBe(freed.pop()!);
              owned.add(address);
            } else expect(() => addresses.take()).toThrow("grow the store or prune first");
            expect(addresses.live).toBe(owned.size);
            expect(addresses.live + addresses.free).toBe(capacity);
          }
        },
      ),
      200,
    );
  });
});

describe("resolving", () => {
  test("a row whose last candidate gives its slot up to another chunk of the row stays in the map", () => {
    const books = Books.empty(2, 0, 1, 0);
    const slot = books.track(0, 1);
    books.put(0, 1, -slot);
    books.candidates.counters[slot] = 0;
    const resolver = new Resolver(() => books, 10);
    resolver.train({ rows: [0], count: 1 }, new Arrivals(shape));
    expect([books.placeOf(0, 0), books.placeOf(0, 1)]).toEqual([-slot, 0]);
    expect([resolver.live, resolver.tracked]).toEqual([0, 1]);
    expect([...resolver.trackedRows, resolver.trackedSources[0]!]).toEqual([slot, FRESH]);
    expect(books.map.size).toBe(1);
    expect(books.trouble()).toBeUndefined();
  });

  test("a row whose entry goes while its batch is resolved, before its turn, arrives anew", () => {
    const books = Books.empty(2, 0, 1, 0);
    const slot = books.track(5, 0);
    books.put(5, 0, -slot);
    books.candidates.counters[slot] = 0;
    const resolver = new Resolver(() => books, 10);
    // at first row 3 is only remembered
    resolver.train({ rows: [3], count: 1 }, new Arrivals(shape));
    expect([books.placeOf(3, 0), books.placeOf(5, 0)]).toEqual([0, -slot]);
    // now it takes the slot, which ends row 5's entry; then nothing is left for row 5
    resolver.train({ rows: [3, 5], count: 2 }, new Arrivals(shape));
    expect([books.placeOf(3, 0), books.placeOf(5, 0)]).toEqual([-slot, 0]);
    expect([...resolver.chunks]).toEqual([0, 0, 0, 0]);
    expect([...resolver.trackedRows.subarray(0, resolver.tracked)]).toEqual([slot]);
    expect(resolver.trackedSources[0]).toBe(FRESH);
    expect(books.map.size).toBe(1);
    expect(books.trouble()).toBeUndefined();
  });

  test("law: rows that a batch's first ones leave no slot for get theirs, wherever their field stands", () => {
    law(
      fc.property(fc.integer({ min: 1, max: 2 ** 30 }), fc.boolean(), (seed, last) => {
        // 1,000 rows, half of them in every batch, for 64 slots; and 8 rows that are in every batch, behind them or in front
        const books = Books.empty(2, 40, 64, 40);
        const resolver = new Resolver(() => books, 1008);
        const own = Array.from({ length: 8 }, (_, i) => (last ? 1000 + i : i));
        const random = new Random(seed);
        for (let batch = 0; batch < 300; batch++) {
          const others = Array.from({ length: 1000 }, (_, i) => (last ? i : 8 + i));
          const drawn = others.filter(() => random.next() < 0.5);
          const rows = last ? [...drawn, ...own] : [...own, ...drawn];
          resolver.train({ rows, count: rows.length }, new Arrivals(shape));
          expect(books.trouble()).toBeUndefined();
        }
        const known = own.filter((row) => books.placeOf(row, 0) !== 0 || books.placeOf(row, 1) !== 0);
        expect(known.length).toBeGreaterThanOrEqual(6);
      }),
      20,
    );
  });

  test("law: after any batches each place has one owner, and counts agree", () => {
    const batch = fc.uniqueArray(fc.nat(9), { maxLength: 8 }).map((rows) => rows.sort((a, b) => a - b));
    const batches = fc.array(batch, { maxLength: 40 });
    law(
      fc.property(
        fc.integer({ min: 0, max: 12 }),
        fc.nat(9),
        fc.nat(12),
        batches,
        (capacity, slots, target, list) => {
          const books = Books.empty(2, capacity, slots, target);
          const resolver = new Resolver(() => books, 10);
          for (const rows of list) {
            resolver.train({ rows, count: rows.length }, new Arrivals(shape));
            expect(books.trouble()).toBeUndefined();
            expect(books.addresses.live).toBeLessThanOrEqual(Math.min(capacity, target));
            const tracked = resolver.trackedRows.subarray(0, resolver.tracked);
            expect(new Set(tracked).size).toBe(tracked.length);
          }
        },
      ),
      200,
    );
  });
});

describe("doorkeeper", () => {
  test("law: a row is let in if it came before since all was forgotten, and for few others", () => {
    law(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.array(fc.nat(2 ** 33), { maxLength: 400 }),
        (slots, rows) => {
          const door = new Doorkeeper(slots);
          let known = new Set<number>();
          for (const row of rows) {
            const before = door.seen;
            const admitted = door.admits(row);
            if (known.has(row)) expect(admitted).toBe(true);
            if (admitted) expect(door.seen).toBe(before);
            else {
              if (door.seen <= before) known = new Set();
              known.add(row);
              expect(door.seen).toBe(known.size);
            }
            expect(known.size).toBeLessThanOrEqual(door.words.length * 8);
          }
        },
      ),
      200,
    );
  });

  test("few of many rows seen once are let in", () => {
    const door = new Doorkeeper(512);
    let admitted = 0;
    for (let row = 0; row < 100_000; row++) admitted += Number(door.admits(row * 7));
    // a quarter of the bits at most: an eighth on average
    expect(admitted / 100_000).toBeWithin(0.08, 0.17);
    expect(door.bytes).toBe(4096);
  });
});

describe("candidates", () => {
  test("law: a slot has one owner, owners given away are told, what a batch touched stays through the batch", () => {
    const batches = fc.array(fc.array(fc.nat(60), { maxLength: 30 }), { maxLength: 30 });
    law(
      fc.property(fc.integer({ min: 0, max: 20 }), batches, (slots, list) => {
        const candidates = new Candidates(slots);
        const slotOf = new Map<number, number>();
        for (const batch of list) {
          candidates.begin();
          const touched = new Set<number>();
          for (const owner of batch) {
            const known = slotOf.get(owner);
            if (known !== undefined) {
              candidates.touch(known);
              touched.add(owner);
              continue;
            }
            const slot = candidates.take(owner, (former) => {
              expect(touched.has(former)).toBe(false);
              expect(slotOf.delete(former)).toBe(true);
            });
            if (slot === 0) {
              expect(slotOf.size).toBe(slots);
              continue;
            }
            slotOf.set(owner, slot);
            touched.add(owner);
          }
          if (batch.length % 5 === 0) {
            for (const owner of [...slotOf.keys()].slice(0, 2)) {
              candidates.free(slotOf.get(owner)!);
              slotOf.delete(owner);
            }
          }
          expect(new Set(slotOf.values()).size).toBe(slotOf.size);
          for (const [owner, slot] of slotOf) expect(candidates.owners[slot]).toBe(owner);
          expect(candidates.size).toBe(slotOf.size);
        }
      }),
      200,
    );
  });

  test("a flood of candidates seen once leaves those that are seen again and again", () => {
    const candidates = new Candidates(64);
    const slotOf = new Map<number, number>();
    const drop = (former: number) => slotOf.delete(former);
    let fresh = 1000;
    let held = 0;
    let misses = 0;
    for (let batch = 0; batch < 200; batch++) {
      candidates.begin();
      for (let hot = 0; hot < 16; hot++) {
        const slot = slotOf.get(hot);
        if (slot !== undefined) candidates.touch(slot);
        else {
          if (batch > 0) misses++;
          const made = candidates.take(hot, drop);
          if (made > 0) slotOf.set(hot, made);
        }
      }
      for (let i = 0; i < 40; i++) {
        const made = candidates.take(fresh, drop);
        if (made > 0) slotOf.set(fresh, made);
        fresh++;
      }
      for (let hot = 0; hot < 16; hot++) held += slotOf.has(hot) ? 1 : 0;
    }
    expect(held).toBe(200 * 16);
    expect(misses).toBe(0);
    expect(Math.max(...slotOf.keys())).toBeGreaterThan(5000);
  });
});
