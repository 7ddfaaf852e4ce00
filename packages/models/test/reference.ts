/**
 * What the models mean, in plain Float64 loops over fields, pairs and units: no graph, no tables, no kernels. Logits of the
 * graphs are tested against it, and their gradients against its central differences.
 */
import type { DimScheme, EmbeddingTables } from "@trimtab/embeddings";
import type { Values } from "@trimtab/test-support";
import type { ModelConfig } from "../src/index.ts";

/** Contents of a model's variables by name. */
export type Contents = ReadonlyMap<string, Float64Array>;

export interface Reference {
  readonly config: ModelConfig;
  readonly scheme: DimScheme;
  readonly tables: EmbeddingTables;
  readonly values: Values;
  /** Batch norms by the batch's own moments, or by the running ones. */
  readonly training: boolean;
}

export function logitsOf(model: Reference, contents: Contents): number[] {
  const { config, scheme, tables, values } = model;
  const get = (name: string) => contents.get(name)!;
  const logits = values.map(() => 0);
  if (config.kind !== "dnn" && config.kind !== "dlrm") {
    const weights = get("linear.weight");
    values.forEach((row, b) => {
      logits[b]! += get("linear.bias")[0]!;
      let base = 0;
      scheme.fields.forEach((field, f) => {
        for (const id of row[f]!) logits[b]! += weights[base + id]! / row[f]!.length;
        base += field.rows;
      });
    });
  }
  if (config.kind === "lr") return logits;

  const raw = values.map((row) => tables.order.map((f) => vectorOf(model, contents, f, row[f]!)));
  const same = raw.map((row) => row.map((v, i) => projected(model, contents, tables.order[i]!, v)));
  if (config.kind === "fm" || config.kind === "deepfm") {
    same.forEach((row, b) => {
      for (let i = 0; i < row.length; i++) {
        for (let j = i + 1; j < row.length; j++)
          logits[b]! += row[i]!.reduce((n, x, k) => n + x * row[j]![k]!, 0);
      }
    });
  }
  if (!("hidden" in config)) return logits;

  const projects = config.kind !== "deepfm" && scheme.projection === "linear";
  const read =
    config.kind === "dlrm" ? interactions(model, contents, same) : (projects ? same : raw).map(flat);
  towerOf("tower", config.hidden, 1, model, contents, read).forEach(([x], b) => {
    logits[b]! += x!;
  });
  return logits;
}

/** DLRM: z, if there are dense fields, and every product of two of z and the other fields' vectors, row by row of a triangle. */
function interactions(model: Reference, contents: Contents, vectors: number[][][]): number[][] {
  const { config, scheme, tables } = model;
  if (config.kind !== "dlrm") throw new Error("interactions: of DLRM only");
  const isDense = (place: number) => config.dense.includes(scheme.fields[tables.order[place]!]!.name);
  const part = (dense: boolean) => vectors.map((row) => row.filter((_, place) => isDense(place) === dense));
  const dense = part(true).map(flat);
  const width = tables.modelDim;
  const z =
    dense[0]!.length > 0
      ? towerOf("bottom", config.bottom, width, model, contents, dense).map((x) =>
          x.map((v) => Math.max(0, v)),
        )
      : undefined;
  return part(false).map((row, b) => {
    const all = z ? [z[b]!, ...row] : row;
    const dots: number[] = [];
    for (let i = 1; i < all.length; i++) {
      for (let j = 0; j < i; j++) dots.push(all[i]!.reduce((n, x, k) => n + x * all[j]![k]!, 0));
    }
    return [...(z?.[b] ?? []), ...dots];
  });
}

function towerOf(
  name: string,
  hidden: readonly number[],
  out: number,
  { config, training }: Reference,
  contents: Contents,
  x: number[][],
): number[][] {
  const get = (part: string) => contents.get(`${name}.${part}`)!;
  let h = x;
  hidden.forEach((width, i) => {
    h = h.map((row) => affine(row, get(`${i}.weight`), width, contents.get(`${name}.${i}.bias`)));
    if ("batchNorm" in config && config.batchNorm) h = normalised(h, `${name}.${i}`, contents, training);
    h = h.map((row) => row.map((v) => Math.max(0, v)));
  });
  return h.map((row) => affine(row, get("output.weight"), out, get("output.bias")));
}

const flat = (row: readonly (readonly number[])[]): number[] => row.flat();

/** Mean and unbiased variance over the batch of what the first batch norm of a DNN reads; the scheme has no projections. */
export function firstMoments(model: Reference, contents: Contents): { mean: number[]; variance: number[] } {
  const { tables, values } = model;
  const weight = contents.get("tower.0.weight")!;
  const width = contents.get("tower.0.norm.mean")!.length;
  const h = values.map((row) => {
    const x = tables.order.flatMap((f) => vectorOf(model, contents, f, row[f]!));
    return affine(x, weight, width, undefined);
  });
  const over = (f: (j: number) => number) => Array.from({ length: width }, (_, j) => f(j));
  const mean = over((j) => h.reduce((n, x) => n + x[j]!, 0) / h.length);
  const variance = over((j) => h.reduce((n, x) => n + (x[j]! - mean[j]!) ** 2, 0) / (h.length - 1));
  return { mean, variance };
}

/** Mean binary cross-entropy, by its definition. */
export function lossOf(logits: readonly number[], labels: ArrayLike<number>): number {
  const terms = logits.map((x, b) => {
    const p = 1 / (1 + Math.exp(-x));
    return labels[b] === 1 ? -Math.log(p) : -Math.log(1 - p);
  });
  return terms.reduce((n, t) => n + t, 0) / terms.length;
}

function vectorOf({ scheme, tables }: Reference, contents: Contents, f: number, ids: readonly number[]) {
  const dim = scheme.dims[f]!;
  const { part, base } = tables.placeOf(f)!;
  const table = contents.get(part.table.name)!;
  return Array.from({ length: dim }, (_, j) =>
    ids.reduce((n, id) => n + table[(base + id) * dim + j]! / ids.length, 0),
  );
}

function projected({ scheme, tables }: Reference, contents: Contents, f: number, vector: readonly number[]) {
  const { part, index } = tables.placeOf(f)!;
  if (scheme.isPlaced(f)) {
    const whole = new Array<number>(scheme.base).fill(0);
    scheme.columnsOf(f).forEach((column, k) => {
      whole[column] = vector[k]!;
    });
    return whole;
  }
  const map = part.projection && contents.get(part.projection.name)!;
  if (!map) return [...vector];
  const { base } = scheme;
  return Array.from({ length: base }, (_, j) =>
    vector.reduce((n, v, k) => n + v * map[(index * vector.length + k) * base + j]!, 0),
  );
}

function affine(x: readonly number[], weight: Float64Array, width: number, bias: Float64Array | undefined) {
  return Array.from({ length: width }, (_, j) =>
    x.reduce((n, v, i) => n + v * weight[i * width + j]!, bias?.[j] ?? 0),
  );
}

function normalised(h: number[][], layer: string, contents: Contents, training: boolean): number[][] {
  const get = (part: string) => contents.get(`${layer}.norm.${part}`)!;
  const out = h.map((x) => [...x]);
  for (let j = 0; j < h[0]!.length; j++) {
    const column = h.map((x) => x[j]!);
    const mean = training ? column.reduce((a, b) => a + b, 0) / column.length : get("mean")[j]!;
    const variance = training
      ? column.reduce((a, b) => a + (b - mean) ** 2, 0) / column.length
      : get("variance")[j]!;
    column.forEach((v, b) => {
      out[b]![j] = ((v - mean) / Math.sqrt(variance + 1e-5)) * get("gamma")[j]! + get("beta")[j]!;
    });
  }
  return out;
}
