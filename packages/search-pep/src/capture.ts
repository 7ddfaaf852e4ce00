/** From the numbers and thresholds on the device to a mask under a budget. */
import { type ElementScheme, elements } from "@trimtab/embeddings";
import type { Model } from "@trimtab/models";
import { keepLargest, type Limit, type Masks, meets, readField } from "@trimtab/search-core";
import type { Optimizer } from "@trimtab/tensor-core";
import type { Thresholds } from "./thresholds.ts";

/**
 * How far each number of field f is above its threshold: log(|v| / (1 - |v|)) - s, in which a common rise of all
 * thresholds is a subtraction. -Infinity where v is zero.
 */
async function scoresOf(model: Model, thresholds: Thresholds, f: number): Promise<Float32Array> {
  const [values, s] = await Promise.all([readField(model, f), thresholds.read(f)]);
  return values.map((v, i) => {
    const size = Math.abs(v);
    return size >= 1 ? size + 100 - s[i]! : Math.log(size / (1 - size)) - s[i]!;
  });
}

export interface CaptureOptions {
  readonly limit: Limit;
  readonly leastPerRow: number;
  /** The mask of the next larger budget, where masks are nested. */
  readonly within?: Masks;
}

/** The numbers furthest above their thresholds, as many as the limit holds. */
export async function captureBest(
  model: Model,
  thresholds: Thresholds,
  { limit, leastPerRow, within }: CaptureOptions,
): Promise<ElementScheme> {
  const { fields, base: dim } = model.scheme;
  const scores: Float32Array[] = [];
  for (const f of fields.keys()) scores.push(await scoresOf(model, thresholds, f));
  // `check` made sure that something fits
  return keepLargest({ fields, dim, scores, limit, leastPerRow, within })!;
}

/** The numbers above their thresholds, where they meet the limit. */
export async function captureAbove(
  model: Model,
  thresholds: Thresholds,
  limit: Limit,
): Promise<ElementScheme | undefined> {
  const { fields, base: dim } = model.scheme;
  const masks: Uint32Array[] = [];
  for (const f of fields.keys()) {
    const scores = await scoresOf(model, thresholds, f);
    const mask = new Uint32Array(Math.ceil(scores.length / 32));
    for (let i = 0; i < scores.length; i++) if (scores[i]! > 0) mask[i >>> 5]! |= 1 << (i & 31);
    masks.push(mask);
  }
  const scheme = elements(fields, { dim, masks });
  return scheme.parameters > 0 && meets(scheme, limit) ? scheme : undefined;
}

/**
 * Makes pruning final: numbers outside of the mask become zero, and so does their momentum. A zero is below every
 * threshold and gets no gradient, so that it stays zero.
 */
export async function makeFinal(model: Model, optimizer: Optimizer, scheme: ElementScheme): Promise<void> {
  const state = optimizer.state();
  const { base: dim, fields } = scheme;
  for (const { table, group } of model.tables.parts) {
    for (const variable of [table, state.get(`${table.name}.m`)]) {
      if (!variable) continue;
      for (const { field, base } of group.layout.fields) {
        const from = base * dim;
        const values = (await variable.read(from, fields[field]!.rows * dim)) as Float32Array;
        const kept = new Float32Array(values.length);
        scheme.eachNumber(field, (at) => {
          kept[at] = values[at]!;
        });
        variable.write(kept, from);
      }
    }
  }
}

export function masksOf(scheme: ElementScheme): Uint32Array[] {
  return scheme.fields.map((_, f) => scheme.mask(f));
}
