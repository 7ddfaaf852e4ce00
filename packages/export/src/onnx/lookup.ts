/** Looked-up vectors in a graph, for every kind of scheme. Tables stay as compact as they are served. */
import { ElementScheme, HashedScheme, RowChunkScheme } from "@trimtab/embeddings";
import type { ModelParts } from "../capture.ts";
import { VALUES } from "../precision/quantise.ts";
import { Finder } from "./find.ts";
import type { Value } from "./graph.ts";
import { hashedRows } from "./hash.ts";
import { type GraphInputs, placed } from "./inputs.ts";
import type { Ops } from "./ops.ts";
import type { Weights } from "./weights.ts";

export interface LookedUp {
  /** [B, sum d_f] in the model's order. */
  readonly concat: () => Value;
  /** [B, F', d] */
  readonly projected: () => Value;
}

interface Setting {
  readonly ops: Ops;
  readonly parts: ModelParts;
  readonly inputs: GraphInputs;
  readonly weights: Weights;
}

export function lookedUp(setting: Setting): LookedUp {
  const { scheme } = setting.parts;
  if (scheme instanceof ElementScheme || scheme instanceof RowChunkScheme) return ofMask(setting, scheme);
  return ofTables(setting);
}

/** A table a field. */
function ofTables({ ops: o, parts, inputs, weights }: Setting): LookedUp {
  const { scheme, fields, order, modelDim } = parts;
  const raw = order.map((f) => {
    const ids = inputs.ids(f);
    const hashed = scheme instanceof HashedScheme && scheme.isHashed(f);
    const rows = hashed ? hashedRows(o, ids, scheme.rows[f]!, scheme.rule) : ids;
    const name = `${fields[f]!.name}/table`;
    if (!inputs.isPooled(f)) return weights.entries(name, rows, 1);
    const vectors = weights.entries(name, rows, 2);
    return o.sum(o.mul(vectors, o.unsqueeze(inputs.weights(f), 2)), 1);
  });
  const project = (vector: Value, f: number): Value => {
    const { name } = fields[f]!;
    if (weights.has(`${name}/projection`)) return o.matmul(vector, weights.whole(`${name}/projection`));
    if (!weights.has(`${name}/columns`)) return vector;
    // a zero behind the numbers, and for each column the place of its number or of that zero
    const columns = [...weights.u32(`${name}/columns`)];
    const padded = o.graph.op("Pad", [vector, o.graph.ints([0, 0, 0, 1])]);
    const places = Int32Array.from({ length: modelDim }, (_, c) => {
      const at = columns.indexOf(c);
      return at < 0 ? columns.length : at;
    });
    return o.gather(padded, o.graph.constant("i32", [modelDim], places), 1);
  };
  return {
    concat: () => o.concat(raw, 1),
    projected: () =>
      o.concat(
        raw.map((vector, i) => o.unsqueeze(project(vector, order[i]!), 1)),
        1,
      ),
  };
}

/** One list of values, and an index to find them by. */
function ofMask(
  { ops: o, parts, inputs, weights }: Setting,
  scheme: ElementScheme | RowChunkScheme,
): LookedUp {
  const { fields, order, modelDim } = parts;
  const grid = scheme instanceof RowChunkScheme ? scheme.grid : scheme;
  const chunked = scheme instanceof RowChunkScheme;
  const index = new Map(
    [...parts.embeddings.tensors].flatMap(([name, { dtype, data }]) =>
      dtype === "u32" ? [[name, data as Uint32Array] as const] : [],
    ),
  );
  const { base: dim, parameters: numbers } = grid;
  const finder = new Finder(o, { layout: grid.layout, index, dim, numbers, largest: Math.max(...grid.dims) });
  const members = placed(fields, order);
  const { exists, place } = finder.find(inputs.rows(members));
  const zero = o.graph.float(0);
  // [B, S, d], or [B, S, K, c]
  const read = weights.entries(VALUES, place, 3);
  const shown = o.where(chunked ? o.unsqueeze(exists, 3) : exists, read, zero);
  const slots = order.reduce((n, f) => n + fields[f]!.slots, 0);
  const vectors = chunked ? o.reshape(shown, [0, slots, modelDim]) : shown;
  const pooled = inputs.pool(vectors, members);
  return {
    concat: () => o.reshape(pooled, [0, order.length * modelDim]),
    projected: () => pooled,
  };
}
