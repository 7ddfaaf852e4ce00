/** The small world of the model tests: fields, schemes, configurations, and models with random contents. */
import { type DimScheme, perField, uniform } from "@trimtab/embeddings";
import type { Device } from "@trimtab/tensor-core";
import { type Feeds, feedsOf, Random, randomValues, type Values } from "@trimtab/test-support";
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
} from "../src/index.ts";
import type { Contents } from "./reference.ts";

export const fields = [
  { name: "user", rows: 7, slots: 1 },
  { name: "genres", rows: 5, slots: 3 },
  { name: "item", rows: 9, slots: 1 },
  { name: "hour", rows: 4, slots: 1 },
];

export const schemes: Record<string, DimScheme> = {
  uniform: uniform(fields, 4),
  "per field, one field without": perField(fields, [4, 2, 0, 2], { base: 4, projection: "linear" }),
  "per field, columns put back": perField(fields, [2, 4, 0, 2], {
    base: 4,
    projection: "positions",
    columns: [[1, 3], [0, 1, 2, 3], [], [0, 2]],
  }),
  "one smaller dim, projected": perField(fields, [2, 2, 2, 2], { base: 4, projection: "linear" }),
};

const tower = { hidden: [5, 3] };
export const configs: Record<string, ModelConfig> = {
  lr: lr(),
  fm: fm({ dim: 4 }),
  dnn: dnn({ dim: 4, ...tower, batchNorm: true }),
  wideDeep: wideDeep({ dim: 4, ...tower }),
  deepfm: deepfm({ dim: 4, ...tower, batchNorm: true }),
  dlrm: dlrm({ dim: 4, ...tower, dense: ["hour"], bottom: [6], batchNorm: true }),
  "dlrm with two dense fields": dlrm({ dim: 4, ...tower, dense: ["hour", "genres"], bottom: [] }),
  "dlrm of ids alone": dlrm({ dim: 4, ...tower }),
};

export interface Given {
  readonly model: Model;
  readonly values: Values;
  readonly labels: Float32Array;
  /** Feeds of every layout, labels and random numbers. */
  readonly feeds: Feeds;
}

/** A model with contents of order one (first values would make every gradient tiny), and a batch for it. */
export async function givenModel(
  device: Device,
  config: ModelConfig,
  scheme: DimScheme,
  options: { readonly batch: number; readonly seed: number },
): Promise<Given> {
  const random = new Random(options.seed);
  const model = await buildModel(device, config, scheme, { seed: options.seed });
  for (const v of model.state.values()) {
    const low = v.name.endsWith(".variance") ? 0.5 : -0.7;
    v.write(Float32Array.from({ length: v.size }, () => low + 1.4 * random.next()));
  }
  const values = randomValues(scheme.fields, options.batch, random);
  const labels = Float32Array.from(values, () => random.below(2));
  const layouts = model.layouts.map((l) => feedsOf(l, scheme.fields, values));
  const feeds = Object.assign({ labels, "rng.seed": 1, "rng.step": 1 }, ...layouts);
  return { model, values, labels, feeds };
}

export async function contentsOf(model: Model): Promise<Map<string, Float64Array>> {
  const contents = new Map<string, Float64Array>();
  for (const [name, v] of model.state) contents.set(name, Float64Array.from(await v.read()));
  return contents;
}

/** Central differences of `loss` by every number of `name`. */
export function differences(
  loss: (contents: Contents) => number,
  contents: Map<string, Float64Array>,
  name: string,
) {
  const values = contents.get(name)!;
  return Array.from(values, (v, i) => {
    const step = 1e-5;
    values[i] = v + step;
    const up = loss(contents);
    values[i] = v - step;
    const down = loss(contents);
    values[i] = v;
    return (up - down) / (2 * step);
  });
}
