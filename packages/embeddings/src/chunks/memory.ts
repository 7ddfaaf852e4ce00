/** What a store costs, to the byte. */
import type { Variable } from "@trimtab/tensor-core";
import { VALUE_BYTES } from "../scheme/scheme.ts";
import type { Books } from "./books.ts";
import type { StoreShape } from "./options.ts";
import type { Pool } from "./pool.ts";

/** Bytes of a store, each part as it is allocated. */
export interface ChunkMemory {
  /** Values of live chunks: what a method's paper would count. */
  readonly payload: number;
  /** f32 variables on the device, room for chunks to come and the zero chunk included. */
  readonly device: {
    readonly values: number;
    readonly state: number;
    readonly utility: number;
    readonly candidates: number;
  };
  /** Typed arrays on the host; `batch` are those that a step's addresses are put together in. */
  readonly host: {
    readonly map: number;
    readonly addresses: number;
    readonly candidates: number;
    readonly batch: number;
  };
  /** All of device and host. */
  readonly total: number;
}

/** `batch`: bytes of the arrays that a step's addresses are put together in. */
export function memoryOf({
  shape,
  pool,
  books,
  batch,
}: {
  readonly shape: StoreShape;
  readonly pool: Pool;
  readonly books: Books;
  readonly batch: number;
}): ChunkMemory {
  const bytesOf = (v: Variable) => v.size * VALUE_BYTES;
  const device = {
    values: bytesOf(pool.values),
    state: pool.slots.reduce((n, v) => n + bytesOf(v), 0),
    utility: bytesOf(pool.utility),
    candidates: bytesOf(pool.candidates),
  };
  const host = { ...books.bytes, batch };
  const total = [...Object.values(device), ...Object.values(host)].reduce((a, b) => a + b, 0);
  return { payload: books.addresses.live * shape.width * VALUE_BYTES, device, host, total };
}
