/**
 * What the supernet has beside the model: for each table of the model (whose vectors are the largest size) a table for each smaller
 * size, the maps to the model's dim, the moments of the normalisation, and a factor a field.
 */
import {
  type Draw,
  denseDraw,
  type EmbeddingTables,
  isPooled,
  type TableLayout,
  tableDraw,
  type VectorTransform,
} from "@trimtab/embeddings";
import {
  add,
  assign,
  customGradient,
  type Device,
  eq,
  gather,
  gt,
  input,
  iota,
  mul,
  recip,
  reshape,
  sliceAxis,
  sub,
  type Tensor,
  type Variable,
  where,
} from "@trimtab/tensor-core";
import type { Path } from "../path.ts";
import type { Settings } from "../settings.ts";
import { applyMaps, chooseMaps, choosePrefix, chooseVectors } from "./choose.ts";
import { normByBatch, normByKept } from "./norm.ts";
import type { Draw as Sampled } from "./sampler.ts";
import { slotCounts, toSlots } from "./slots.ts";

export type CandidateSettings = Pick<Settings, "candidates" | "tables" | "map" | "batchNorm" | "scale">;

/** "train": moments of the batch, gradients for trained fields. "measure": moments of the batch, kept. "score": kept moments. */
export type Mode = "train" | "measure" | "score";

/** Numbers of one candidate in one table. */
interface Candidate {
  readonly k: number;
  readonly dim: number;
  /** [rows, d_k]; absent where sizes are prefixes. */
  readonly table?: Variable;
  /** [F, d_k, d]; absent without linear maps. */
  readonly maps?: Variable;
}

interface Moments {
  /** [K, F, d] each. */
  readonly mean: Variable;
  readonly variance: Variable;
  /** [K, F, 1]: batches in them. */
  readonly seen: Variable;
}

interface Part {
  readonly layout: TableLayout;
  readonly counts: readonly number[];
  /** Candidates between 0 and d, ascending. */
  readonly smaller: readonly Candidate[];
  readonly moments?: Moments;
  /** [1, F, 1] */
  readonly scale?: Variable;
}

/** Streams of first values of the maps; a model's own dense weights take the low ones. */
const MAP_STREAM = 0x8000;

export class CandidateTables {
  readonly #settings: CandidateSettings;
  readonly #dim: number;
  readonly #parts: readonly Part[];
  readonly #tables: EmbeddingTables;

  constructor(device: Device, tables: EmbeddingTables, settings: CandidateSettings) {
    this.#settings = settings;
    this.#tables = tables;
    this.#dim = tables.modelDim;
    const parts: Part[] = [];
    this.#parts = parts;
    try {
      for (const { group } of tables.parts)
        makePart(device, group.layout, this.#dim, tables, settings, parts);
    } catch (reason) {
      this.dispose();
      throw reason;
    }
  }

  /** Tables of the smaller sizes: looked up with the ids and plans of the model's own. */
  get tables(): Variable[] {
    return this.#candidates.flatMap(({ table }) => (table ? [table] : []));
  }

  /** Maps and factors. */
  get dense(): Variable[] {
    const scales = this.#parts.flatMap(({ scale }) => (scale ? [scale] : []));
    return [...this.#candidates.flatMap(({ maps }) => (maps ? [maps] : [])), ...scales];
  }

  /** Kept moments, which no gradient trains. */
  get moments(): Variable[] {
    return this.#parts.flatMap(({ moments }) => (moments ? Object.values(moments) : []));
  }

  get all(): Variable[] {
    return [...this.tables, ...this.dense, ...this.moments];
  }

  /** First values: of tables by `std`, of maps so that a vector's variance stays. */
  draws(std: number): Draw[] {
    return this.#parts.flatMap(({ layout, smaller }, i) =>
      smaller.flatMap(({ k, dim, table, maps }) => {
        const columns = layout.fields.map(() => Array.from({ length: dim }, (_, j) => j));
        const stream = MAP_STREAM + i * this.#settings.candidates.length + k;
        return [
          ...(table ? [tableDraw(table, layout, columns, std)] : []),
          ...(maps ? [denseDraw(maps, stream, dim ** -0.5)] : []),
        ];
      }),
    );
  }

  /** What a program over `transform` is fed for a path, of the names in `needs`. */
  feedsOf({ path, trained }: { readonly path: Path } & Partial<Sampled>, needs: ReadonlySet<string>) {
    const feeds: Record<string, Uint32Array> = {};
    for (const { layout } of this.#parts) {
      const put = (name: string, values: readonly number[] | undefined) => {
        if (values && needs.has(name)) feeds[name] = Uint32Array.from(layout.fields, (x) => values[x.field]!);
      };
      put(choiceName(layout), path);
      put(trainedName(layout), trained);
    }
    return feeds;
  }

  /**
   * Makes a path's vectors of the model's looked-up ones (the largest size). `updates` takes the moves of kept moments, of mode "measure".
   */
  transform(mode: Mode, updates: Tensor[] = []): VectorTransform {
    return (vectors, { layout, ids, plan }) => {
      const part = this.#parts.find((p) => p.layout.name === layout.name)!;
      const { counts, smaller } = part;
      const { candidates, tables } = this.#settings;
      const fields = layout.fields.length;
      const choice = input(choiceName(layout), [fields], "u32");
      const [batch, slots] = vectors.shape as [number, number, number];
      const bySlot = reshape(toSlots(choice, 0, counts), [1, slots, 1]);
      const first = candidates.findIndex((d) => d > 0);
      const last = candidates.length - 1;
      let x =
        tables === "prefix"
          ? choosePrefix(vectors, bySlot, candidates.slice(first), first)
          : chooseVectors(
              [
                ...smaller.map(({ k, table }) => ({ k, vectors: gather(table!.value, ids, plan) })),
                { k: last, vectors },
              ],
              bySlot,
            );
      if (smaller.some(({ maps }) => maps)) {
        const all = smaller.map(({ k, maps }) => ({ k, maps: maps!.value }));
        x = applyMaps(x, toSlots(chooseMaps(all, choice, this.#dim), 0, counts));
      }
      if (part.moments) {
        const weights = isPooled(layout, this.#tables.scheme.fields)
          ? input(`${layout.name}.weights`, [batch, slots])
          : undefined;
        x = this.#normalise(x, part, choice, mode, weights, updates);
      }
      if (first > 0) x = where(gt(bySlot, 0), x, 0);
      if (mode !== "train") return x;
      const trained = reshape(toSlots(input(trainedName(layout), [fields], "u32"), 0, counts), [1, slots, 1]);
      return customGradient(x, [x], (g) => [where(trained, g, 0)]);
    };
  }

  /** Forgets the kept moments, before they are measured anew. */
  forgetMoments(): void {
    for (const { moments } of this.#parts) moments?.seen.write(new Float32Array(moments.seen.size));
  }

  dispose(): void {
    for (const v of this.all) v.dispose();
  }

  get #candidates(): Candidate[] {
    return this.#parts.flatMap(({ smaller }) => smaller);
  }

  #normalise(
    x: Tensor,
    { counts, moments, scale }: Part,
    choice: Tensor,
    mode: Mode,
    weights: Tensor | undefined,
    updates: Tensor[],
  ): Tensor {
    const { mean, variance } = moments!;
    const factor = reshape(toSlots(scale!.value, 1, counts), [1, x.shape[1]!, 1]);
    if (mode === "score") {
      const m = keptOf(mean, choice);
      return mul(normByKept(x, counts, m, keptOf(variance, choice)), factor);
    }
    const normed = normByBatch(x, counts, weights);
    if (mode === "measure") updates.push(...averaged(moments!, choice, normed));
    return mul(normed.output, factor);
  }
}

function choiceName({ name }: TableLayout): string {
  return `adass.choice.${name}`;
}

function trainedName({ name }: TableLayout): string {
  return `adass.trained.${name}`;
}

/** [F, d]: the chosen candidate's moments of each field. */
function keptOf(kept: Variable, choice: Tensor): Tensor {
  const [K, fields, dim] = kept.shape as [number, number, number];
  const chosen = reshape(choice, [fields, 1]);
  let out: Tensor | undefined;
  for (let k = 0; k < K; k++) {
    const own = reshape(sliceAxis(kept.value, 0, k, k + 1), [fields, dim]);
    out = out ? where(eq(chosen, k), own, out) : own;
  }
  return out!;
}

/** Moves the moments of the chosen candidates towards a batch's, so that they are the mean over all batches since `forgetMoments`. */
function averaged(
  { mean, variance, seen }: Moments,
  choice: Tensor,
  fresh: { readonly mean: Tensor; readonly variance: Tensor },
): Tensor[] {
  const [K, fields, dim] = mean.shape as [number, number, number];
  const chosen = eq(reshape(choice, [1, fields, 1]), iota([K, 1, 1]));
  const share = recip(add(seen.value, 1));
  const moved = (kept: Variable, batch: Tensor) => {
    const toward = mul(sub(reshape(batch, [1, fields, dim]), kept.value), share);
    return assign(kept, where(chosen, add(kept.value, toward), kept.value));
  };
  return [
    moved(mean, fresh.mean),
    moved(variance, fresh.variance),
    assign(seen, where(chosen, add(seen.value, 1), seen.value)),
  ];
}

/** Puts the part into `parts` piece by piece, so that a failure can free what there is. */
function makePart(
  device: Device,
  layout: TableLayout,
  dim: number,
  { scheme }: EmbeddingTables,
  { candidates, tables, map, batchNorm, scale }: CandidateSettings,
  parts: Part[],
): void {
  const at = `adass.${layout.name}`;
  const fields = layout.fields.length;
  const smaller: Candidate[] = [];
  const counts = slotCounts(layout, scheme.fields);
  parts.push({ layout, counts, smaller });
  for (const [k, d] of candidates.entries()) {
    if (d === 0 || d === dim) continue;
    const table = tables === "separate" ? device.variable(`${at}.d${d}`, [layout.rows, d]) : undefined;
    smaller.push({ k, dim: d, table });
    if (map !== "linear") continue;
    const maps = device.variable(`${at}.d${d}.map`, [fields, d, dim]);
    smaller[smaller.length - 1] = { k, dim: d, table, maps };
  }
  if (!batchNorm) return;
  const shape = [candidates.length, fields, dim];
  // one after another: each is owned before the next can fail
  const own: Variable[] = [];
  const make = (name: string, of: readonly number[], data?: Float32Array) => {
    own.push(device.variable(`${at}.${name}`, of, { data }));
    return own.at(-1)!;
  };
  try {
    const moments = {
      mean: make("mean", shape),
      variance: make("variance", shape, new Float32Array(shape.reduce((a, b) => a * b)).fill(1)),
      seen: make("seen", [candidates.length, fields, 1]),
    };
    // three axes: optimizers take a matrix for a table whose rows they stamp
    const factor = make("scale", [1, fields, 1], new Float32Array(fields).fill(scale));
    parts[parts.length - 1] = { layout, counts, smaller, moments, scale: factor };
  } catch (reason) {
    for (const v of own) v.dispose();
    throw reason;
  }
}
