/** What is fed to an exported graph: ids and, for multi-valued fields, weights. Only fields that the model reads have inputs. */
import type { FieldSpec } from "@trimtab/embeddings";
import type { Value } from "./graph.ts";
import type { Ops } from "./ops.ts";

export const idsName = (field: string): string => `ids/${field}`;
export const weightsName = (field: string): string => `weights/${field}`;

/** Rows of some fields in one list of rows: each field's rows begin at its base. */
export interface Placed {
  readonly field: number;
  readonly base: number;
}

export class GraphInputs {
  readonly #ops: Ops;
  readonly #fields: readonly FieldSpec[];
  readonly #ids = new Map<number, Value>();
  readonly #weights = new Map<number, Value>();

  constructor(ops: Ops, fields: readonly FieldSpec[]) {
    this.#ops = ops;
    this.#fields = fields;
  }

  /** Fields that something was read of, in scheme order. */
  get used(): number[] {
    return [...this.#ids.keys()].sort((a, b) => a - b);
  }

  isPooled(field: number): boolean {
    return this.#fields[field]!.slots > 1;
  }

  /**
   * int64 [B], of a multi-valued field [B, slots]. Ids that the field does not have are read as 0, out of vocabulary: a number that is too
   * large would otherwise meet the rows of another field.
   */
  ids(field: number): Value {
    const made = this.#ids.get(field);
    if (made !== undefined) return made;
    const { name, rows, slots } = this.#fields[field]!;
    const o = this.#ops;
    const given = o.graph.input(idsName(name), "i64", slots > 1 ? [slots] : []);
    const above = o.graph.op("Not", [o.less(given, 0)]);
    const ids = o.where(o.and(above, o.less(given, rows)), given, 0);
    this.#ids.set(field, ids);
    return ids;
  }

  /** f32 [B, slots] of a multi-valued field. */
  weights(field: number): Value {
    let made = this.#weights.get(field);
    if (made === undefined) {
      const { name, slots } = this.#fields[field]!;
      made = this.#ops.graph.input(weightsName(name), "f32", [slots]);
      this.#weights.set(field, made);
    }
    return made;
  }

  /** int64 [B, S]: rows of all slots of some fields, side by side. */
  rows(fields: readonly Placed[]): Value {
    const o = this.#ops;
    const parts = fields.map(({ field, base }) => {
      const ids = this.ids(field);
      return o.add(this.isPooled(field) ? ids : o.unsqueeze(ids, 1), base);
    });
    return o.concat(parts, 1);
  }

  /** One vector a field of those of its slots: [B, S, d] to [B, fields, d]. */
  pool(vectors: Value, fields: readonly Placed[]): Value {
    if (!fields.some(({ field }) => this.isPooled(field))) return vectors;
    const o = this.#ops;
    const parts: Value[] = [];
    let at = 0;
    let single = 0;
    const closeRun = () => {
      if (at > single) parts.push(o.slice(vectors, 1, single, at));
    };
    for (const { field } of fields) {
      const { slots } = this.#fields[field]!;
      if (slots > 1) {
        closeRun();
        const weighted = o.mul(o.slice(vectors, 1, at, at + slots), o.unsqueeze(this.weights(field), 2));
        parts.push(o.sum(weighted, 1, true));
        single = at + slots;
      }
      at += slots;
    }
    closeRun();
    return o.concat(parts, 1);
  }
}

/** Fields one after another. */
export function placed(fields: readonly FieldSpec[], members: readonly number[]): Placed[] {
  let rows = 0;
  return members.map((field) => {
    const base = rows;
    rows += fields[field]!.rows;
    return { field, base };
  });
}
