/** Small models of every kind under schemes of every kind, with random contents, and rows to score. */
import type { Columns, FieldInfo } from "@trimtab/data";
import {
  ELEMENT_LAYOUTS,
  elements,
  HASH_RULES,
  hashed,
  perField,
  rowChunks,
  type Scheme,
  uniform,
} from "@trimtab/embeddings";
import {
  buildModel,
  deepfm,
  dlrm,
  dnn,
  fm,
  lr,
  type Model,
  type ModelConfig,
  wideDeep,
} from "@trimtab/models";
import type { Device } from "@trimtab/tensor-core";

export const SEED = process.env.CI ? 42 : undefined;
export const DIM = 4;

export const fields: FieldInfo[] = [
  { name: "user", kind: "categorical", rows: 40, slots: 1 },
  { name: "genres/weights", kind: "multi", rows: 9, slots: 3 },
  { name: "item", kind: "categorical", rows: 70, slots: 1 },
  { name: "hour", kind: "numeric", rows: 5, slots: 1 },
  { name: "tags", kind: "multi", rows: 6, slots: 2 },
];
const specs = fields.map(({ name, rows, slots }) => ({ name, rows, slots }));

const tower = { hidden: [5, 3] };
export const configs: Record<string, ModelConfig> = {
  lr: lr(),
  fm: fm({ dim: DIM }),
  dnn: dnn({ dim: DIM, ...tower, batchNorm: true }),
  wideDeep: wideDeep({ dim: DIM, ...tower }),
  deepfm: deepfm({ dim: DIM, ...tower, batchNorm: true }),
  dlrm: dlrm({ dim: DIM, ...tower, dense: ["hour", "tags"], bottom: [6], batchNorm: true }),
  "dlrm of ids alone": dlrm({ dim: DIM, ...tower }),
};

/** A small generator, so that a test's numbers come from its seed. */
export function randomOf(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Bitsets of `places` a row; each bit is set with the share of its field. */
export function randomMasks(places: number, shares: readonly number[], random: () => number): Uint32Array[] {
  return fields.map(({ rows }, f) => {
    const mask = new Uint32Array(Math.ceil((rows * places) / 32));
    for (let bit = 0; bit < rows * places; bit++) {
      if (random() < shares[f]!) mask[bit >>> 5]! |= 1 << (bit & 31);
    }
    return mask;
  });
}

const SHARES = [0.3, 0.8, 0, 0.6, 0.4];

/** Every kind of scheme, and of masks every layout. Each keeps at least two fields. */
export function schemesOf(seed: number, dim = DIM): Record<string, Scheme> {
  const random = randomOf(seed);
  const some = [dim, 2, 0, 1, 2].map((d) => Math.min(d, dim));
  const columns = some.map((d) => Array.from({ length: d }, (_, j) => j + (dim - d)));
  const rows = specs.map(({ rows: n }) => Math.max(2, Math.ceil(n / 3)));
  const masks = randomMasks(dim, SHARES, random);
  const chunkMasks = randomMasks(dim / 2, SHARES, random);
  return {
    uniform: uniform(specs, dim),
    "per field, projected": perField(specs, some, { base: dim, projection: "linear" }),
    "per field, columns put back": perField(specs, some, { base: dim, projection: "positions", columns }),
    ...Object.fromEntries(
      HASH_RULES.map((rule) => [`hashed, ${rule}`, hashed(specs, { dim, rows, rule })] as const),
    ),
    ...Object.fromEntries(
      ELEMENT_LAYOUTS.map(
        (layout) => [`elements, ${layout}`, elements(specs, { dim, masks, layout })] as const,
      ),
    ),
    ...Object.fromEntries(
      ELEMENT_LAYOUTS.map(
        (layout) =>
          [
            `chunks, ${layout}`,
            rowChunks(specs, { dim, chunks: dim / 2, masks: chunkMasks, layout }),
          ] as const,
      ),
    ),
  };
}

/** A model whose contents are of order one: first values would hide every mistake below the tolerance. */
export async function randomModel(
  device: Device,
  config: ModelConfig,
  scheme: Scheme,
  seed: number,
): Promise<Model> {
  const random = randomOf(seed);
  const model = await buildModel(device, config, scheme, { seed });
  for (const v of model.state.values()) {
    // constants above zero: a tower whose relus are all shut would agree with anything
    const low = v.name.endsWith(".variance") ? 0.5 : /\.(bias|beta)$/.test(v.name) ? 0.1 : -0.7;
    v.write(Float32Array.from({ length: v.size }, () => low + 1.4 * random()));
  }
  return model;
}

/** Random rows; multi-valued fields have none to all of their values. Ids 0 and the largest are among them. */
export function randomColumns(rows: number, seed: number): Columns {
  const random = randomOf(seed);
  const ids = fields.map(({ rows: n, slots }) => {
    const out = new Uint32Array(rows * slots).fill(0xffffffff);
    for (let r = 0; r < rows; r++) {
      const count = slots === 1 ? 1 : Math.floor(random() * (slots + 1));
      for (let s = 0; s < count; s++) {
        out[r * slots + s] = r === 0 ? 0 : r === 1 ? n - 1 : Math.floor(random() * n);
      }
    }
    return out;
  });
  return { rows, labels: Float32Array.from({ length: rows }, () => (random() < 0.5 ? 1 : 0)), ids };
}
