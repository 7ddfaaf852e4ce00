/**
 * Rows of a hashed field, computed in the graph, so that whoever serves a model feeds the same ids under every scheme and needs no hash of
 * its own. `hashedRow` of the data package is the same function.
 */
import type { HashRule } from "@trimtab/embeddings";
import type { Value } from "./graph.ts";
import type { Ops } from "./ops.ts";

const LOW = 2 ** 16;

/** Row 0 for id 0, else 1 + h(id) mod (rows - 1). */
export function hashedRows(o: Ops, ids: Value, rows: number, rule: HashRule): Value {
  const h = rule === "mixed" ? mix(o, ids) : o.max(o.sub(ids, 1), 0);
  return o.where(o.equal(ids, 0), ids, o.add(o.mod(h, rows - 1), 1));
}

/** The 32-bit finalizer of MurmurHash3. */
function mix(o: Ops, ids: Value): Value {
  const shifted = (x: Value, bits: number) => o.xor(x, o.div(x, 2 ** bits));
  return shifted(times(o, shifted(times(o, shifted(ids, 16), 0x85ebca6b), 13), 0xc2b2ae35), 16);
}

/** x * factor mod 2^32 by halves of x: the whole product would not fit in 63 bits. */
function times(o: Ops, x: Value, factor: number): Value {
  const low = o.mul(o.mod(x, LOW), factor);
  const high = o.mul(o.mod(o.mul(o.div(x, LOW), factor), LOW), LOW);
  return o.mod(o.add(low, high), 2 ** 32);
}
