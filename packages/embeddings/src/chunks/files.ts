/** A whole store as tensors: live chunks with their state and utility, who owns what, what is free. */
import type { HostArray, StoredTensor, TensorFile, Variable } from "@trimtab/tensor-core";
import { z } from "zod";
import { ChunkStoreError } from "../errors.ts";
import { fieldSchema } from "../fields.ts";
import { Addresses } from "./addresses.ts";
import { Books } from "./books.ts";
import { Candidates } from "./candidates.ts";
import { Clock } from "./clock.ts";
import { ChunkMap, PLACES } from "./map.ts";
import type { StoreShape } from "./options.ts";
import type { Pool } from "./pool.ts";

/** The metadata key that says that a file holds a chunk store. */
export const CHUNK_STORE_KEY = "chunkStore";

const count = z.int().nonnegative();

const headSchema = z.strictObject({
  /** What must agree with the store that reads it. */
  fixed: z.strictObject({
    fields: z.array(fieldSchema).min(1),
    dim: count,
    chunks: count,
    rule: z.string(),
    seed: count,
    std: z.number(),
    gamma: z.number(),
    candidates: count,
  }),
  capacity: count,
  /** null: no limit. */
  target: z.number().nonnegative().nullable(),
  rows: count,
  next: count,
  candidateNext: count,
  hand: count,
  /** Absent in files of before: 0. */
  turn: count.default(0),
  /** Rows that the doorkeeper sent away. */
  seen: count,
  step: count,
  base: count,
});

type Head = z.infer<typeof headSchema>;

interface Parts {
  readonly shape: StoreShape;
  readonly pool: Pool;
  readonly candidates: Variable;
  readonly books: Books;
  readonly clock: Clock;
}

/** Live addresses, ascending. */
function liveAddresses({ map, addresses, chunks }: Books): Uint32Array {
  const live = new Uint8Array(addresses.capacity + 1);
  map.each((_, at) => {
    for (let k = 0; k < chunks; k++) {
      const place = map.words[at + PLACES + k]!;
      if (place > 0) live[place] = 1;
    }
  });
  const out = new Uint32Array(addresses.live);
  let n = 0;
  live.forEach((is, address) => {
    if (is === 1) out[n++] = address;
  });
  return out;
}

function fixedOf({ fields, dim, chunks, rule, seed, std, gamma, candidates }: StoreShape): Head["fixed"] {
  return { fields: [...fields], dim, chunks, rule: rule.name, seed, std, gamma, candidates };
}

/** Copies of everything, after what is queued. */
export async function captureStore({ shape, pool, candidates, books, clock }: Parts): Promise<TensorFile> {
  const live = liveAddresses(books);
  const tensors = new Map<string, StoredTensor>();
  const put = (name: string, dtype: StoredTensor["dtype"], columns: number, data: HostArray) =>
    tensors.set(name, { dtype, shape: [data.length / columns, columns], data });
  for (const [name, v] of namedOf(shape, pool)) {
    const columns = v.shape[1]!;
    const all = (await v.read()) as Float32Array;
    const kept = new Float32Array(live.length * columns);
    live.forEach((address, i) => {
      kept.set(all.subarray(address * columns, (address + 1) * columns), i * columns);
    });
    put(name, "f32", columns, kept);
  }
  put("candidates", "f32", 1, await candidates.read());
  const { owners, counters, places, hand, turn, slots, door } = books.candidates;
  // a number of 53 bits as two words; -1 is 2^53 - 1 here
  const words = new Uint32Array(2 * slots);
  for (let slot = 1; slot <= slots; slot++) {
    const owner = owners[slot]! < 0 ? Number.MAX_SAFE_INTEGER : owners[slot]!;
    words[2 * slot - 2] = owner % 2 ** 32;
    words[2 * slot - 1] = Math.floor(owner / 2 ** 32);
  }
  put("owners", "u32", 2, words);
  put("counters", "u32", 1, Uint32Array.from(counters));
  put("door", "u32", 1, door.words.slice());
  put("map", "i32", books.map.stride, books.map.words.slice());
  put("freed", "u32", 1, books.addresses.freed());
  put("candidateFreed", "u32", 1, places.freed());
  const { target } = books;
  const head: Head = {
    fixed: fixedOf(shape),
    capacity: books.addresses.capacity,
    target: Number.isFinite(target) ? target : null,
    rows: books.map.size,
    next: books.addresses.next,
    candidateNext: places.next,
    hand,
    turn,
    seen: door.seen,
    step: clock.step,
    base: clock.base,
  };
  return { tensors, metadata: { [CHUNK_STORE_KEY]: JSON.stringify(head) } };
}

/** The pool's variables by names that do not depend on the store's. */
function namedOf({ rule }: StoreShape, { values, slots, utility }: Pool): [string, Variable][] {
  return [
    ["values", values],
    ...slots.map((slot, i): [string, Variable] => [`state.${rule.slots[i]}`, slot]),
    ["utility", utility],
  ];
}

/** Host parts of a captured store, and what fills a pool of its capacity. Throws ChunkStoreError naming `source`. */
export function readStore(
  shape: StoreShape,
  file: TensorFile,
  source: string,
): {
  readonly books: Books;
  readonly clock: Clock;
  readonly fill: (pool: Pool, candidates: Variable) => void;
} {
  const fail = (why: string) => new ChunkStoreError(`${source}: ${why}.`);
  let json: unknown;
  try {
    json = JSON.parse(file.metadata[CHUNK_STORE_KEY] ?? "");
  } catch {
    throw fail("holds no chunk store");
  }
  const parsed = headSchema.safeParse(json);
  if (!parsed.success) throw fail(`has a damaged head (${parsed.error.issues[0]!.path.join(".")})`);
  const head = parsed.data;
  const fixed = fixedOf(shape);
  for (const key of Object.keys(fixed) as (keyof typeof fixed)[]) {
    if (JSON.stringify(fixed[key]) === JSON.stringify(head.fixed[key])) continue;
    throw fail(
      `is of a store with other ${key}; make the store with the options that the file's store was made with`,
    );
  }
  const take = <A extends HostArray>(name: string, kind: new () => A, length?: number): A => {
    const data = file.tensors.get(name)?.data;
    if (data instanceof kind && (length === undefined || data.length === length)) return data;
    throw fail(`has no "${name}" that fits; it is damaged`);
  };
  const candidates = new Candidates(
    shape.candidates,
    Addresses.over(shape.candidates, head.candidateNext, take("candidateFreed", Uint32Array)),
  );
  const owners = take("owners", Uint32Array, 2 * shape.candidates);
  candidates.counters.set(take("counters", Uint32Array, shape.candidates + 1));
  candidates.hand = head.hand;
  candidates.turn = head.turn;
  candidates.door.words.set(take("door", Uint32Array, candidates.door.words.length));
  candidates.door.seen = head.seen;
  for (let slot = 1; slot <= shape.candidates; slot++) {
    const owner = owners[2 * slot - 2]! + owners[2 * slot - 1]! * 2 ** 32;
    candidates.owners[slot] = owner === Number.MAX_SAFE_INTEGER ? -1 : owner;
  }
  const map = ChunkMap.over(shape.chunks, take("map", Int32Array).slice(), head.rows);
  const addresses = Addresses.over(head.capacity, head.next, take("freed", Uint32Array));
  const target = head.target ?? Number.POSITIVE_INFINITY;
  const books = new Books({ map, addresses, candidates, target });
  const trouble = books.trouble();
  if (trouble) throw fail(`is damaged: ${trouble}`);
  if (head.hand < 1 || head.hand > Math.max(1, shape.candidates)) throw fail("has a clock without a hand");
  const live = liveAddresses(books);
  const names = ["values", ...shape.rule.slots.map((slot) => `state.${slot}`), "utility"];
  const widths = names.map((name) => (name === "utility" ? 1 : shape.width));
  const arrays = names.map((name, i) => take(name, Float32Array, live.length * widths[i]!));
  const tracked = take("candidates", Float32Array, shape.candidates + 1);
  return {
    books,
    clock: new Clock(shape.gamma, head.step, head.base),
    fill(pool, candidateUtility) {
      namedOf(shape, pool).forEach(([, v], i) => {
        const columns = v.shape[1]!;
        const all = new Float32Array(v.size);
        live.forEach((address, n) => {
          all.set(arrays[i]!.subarray(n * columns, (n + 1) * columns), address * columns);
        });
        v.write(all);
      });
      candidateUtility.write(tracked);
    },
  };
}
