/**
 * Two-layer adaptive sampling: which size of each field a step uses, and which fields it trains. The paper says what it is
 * for (sizes that do worse are trained more often, important fields are trained harder); the formulas are ours.
 *
 * Sizes: p[f,k] = (1 - explore) softmax(z[f,k] / temperature) + explore / K, where z is the moving loss of batches that used (f, k),
 * centred in f and divided by the spread over all. Size 0 has nothing to train: it always has its even share, 1 / K.
 * Fields: drawn one after another without putting back, in proportion to their moving importance (the SSEDS score) plus a tenth of its mean.
 */
import type { Random } from "@trimtab/data";
import { z } from "zod";
import type { Path } from "../path.ts";
import type { Settings } from "../settings.ts";

export type SamplerSettings = Pick<
  Settings,
  "candidates" | "tableSampling" | "temperature" | "explore" | "fieldSampling" | "fieldShare" | "memory"
>;

export const samplerStateSchema = z.strictObject({
  /** [field][candidate]: moving loss; null until a batch used it. */
  losses: z.array(z.array(z.number().nullable())),
  /** [field]: moving importance; null until a batch told. */
  importance: z.array(z.number().nullable()),
});

export type SamplerState = z.output<typeof samplerStateSchema>;

/** What a step used. */
export interface Draw {
  readonly path: Path;
  /** Fields (0 or 1) whose numbers the step trains; the others keep their forward values. */
  readonly trained: readonly number[];
}

export class Sampler {
  readonly #settings: SamplerSettings;
  #state: SamplerState;

  constructor(settings: SamplerSettings, fields: number, state?: SamplerState) {
    this.#settings = settings;
    this.#state = state ?? {
      losses: Array.from({ length: fields }, () => settings.candidates.map(() => null)),
      importance: Array.from({ length: fields }, () => null),
    };
  }

  get state(): SamplerState {
    return structuredClone(this.#state);
  }

  /** Importance of each field; zeros before the first batch. */
  get importance(): number[] {
    return this.#state.importance.map((x) => x ?? 0);
  }

  /** [field][candidate], each field's sum to one. */
  probabilities(): number[][] {
    const { candidates, tableSampling } = this.#settings;
    const { losses } = this.#state;
    if (tableSampling === "uniform") return losses.map(() => candidates.map(() => 1 / candidates.length));
    const centred = losses.map((own) => this.#centre(own));
    const known = centred.flat().filter((x) => x !== null);
    const spread = Math.sqrt(known.reduce((n, x) => n + x * x, 0) / Math.max(1, known.length));
    return centred.map((own) => this.#probabilitiesOf(own, spread));
  }

  draw(random: Random, warmUp: boolean): Draw {
    const { losses } = this.#state;
    const { candidates } = this.#settings;
    const even = candidates.map(() => 1 / candidates.length);
    const all = warmUp ? losses.map(() => even) : this.probabilities();
    const path = all.map((p) => pick(p, random));
    return { path, trained: this.#drawFields(random, warmUp) };
  }

  /** What a step showed: its loss, and the importance of each field in it. */
  tell({ path }: Draw, loss: number, importance: ArrayLike<number>): void {
    const { memory } = this.#settings;
    const moved = (old: number | null, fresh: number) =>
      old === null ? fresh : old + memory * (fresh - old);
    path.forEach((k, f) => {
      this.#state.losses[f]![k] = moved(this.#state.losses[f]![k]!, loss);
      this.#state.importance[f] = moved(this.#state.importance[f]!, importance[f]!);
    });
  }

  /** Losses of a field around the mean of its trainable sizes; a size never used counts as the worst. */
  #centre(own: readonly (number | null)[]): (number | null)[] {
    const { candidates } = this.#settings;
    const known = own.filter((x, k) => x !== null && candidates[k] !== 0) as number[];
    if (known.length === 0) return own.map((_, k) => (candidates[k] === 0 ? null : 0));
    const worst = Math.max(...known);
    const filled = own.map((x, k) => (candidates[k] === 0 ? null : (x ?? worst)));
    const trainable = filled.filter((x) => x !== null);
    const middle = trainable.reduce((a, b) => a + b, 0) / trainable.length;
    return filled.map((x) => (x === null ? null : x - middle));
  }

  #probabilitiesOf(centred: readonly (number | null)[], spread: number): number[] {
    const { explore, temperature, candidates } = this.#settings;
    const scores = centred.map((x) => (x === null ? null : x / Math.max(spread, 1e-12) / temperature));
    const most = Math.max(...scores.filter((x) => x !== null));
    const weights = scores.map((x) => (x === null ? 0 : Math.exp(x - most)));
    const total = weights.reduce((a, b) => a + b, 0);
    const trainable = scores.filter((x) => x !== null).length;
    // what size 0 leaves
    const left = trainable / candidates.length;
    return scores.map((x, k) =>
      x === null
        ? 1 / candidates.length
        : left * (((1 - explore) * weights[k]!) / total + explore / trainable),
    );
  }

  #drawFields(random: Random, warmUp: boolean): number[] {
    const { fieldSampling, fieldShare } = this.#settings;
    const { importance } = this;
    const n = importance.length;
    if (warmUp || fieldSampling === "none") return importance.map(() => 1);
    const mean = importance.reduce((a, b) => a + b, 0) / n;
    const weights = importance.map((x) => x + 0.1 * mean + Number.MIN_VALUE);
    const chosen = importance.map(() => 0);
    for (let i = Math.ceil(fieldShare * n); i > 0; i--) {
      const f = pick(weights, random);
      chosen[f] = 1;
      weights[f] = 0;
    }
    return chosen;
  }
}

/** An index, in proportion to weights of any sum above zero. */
export function pick(weights: readonly number[], random: Random): number {
  let at = random.uniform() * weights.reduce((a, b) => a + b, 0);
  let last = 0;
  for (const [i, w] of weights.entries()) {
    if (w <= 0) continue;
    last = i;
    at -= w;
    if (at < 0) return i;
  }
  return last;
}
