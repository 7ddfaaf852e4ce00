/**
 * REINFORCE (Williams, 1992) with a policy that is an independent categorical a field and no state. Ours in its details: rewards
 * are standardised by moving moments, the entropy has a bonus, the logits move by Adam.
 */
import type { Random } from "@trimtab/data";
import { z } from "zod";
import type { Path } from "../path.ts";
import { pick } from "../supernet/sampler.ts";
import type { Costs } from "./cost.ts";
import type { Judged } from "./reward.ts";
import { parseState, type Strategy } from "./strategy.ts";

export interface ReinforceOptions {
  /** [field][candidate]: the first policy. */
  readonly start: readonly (readonly number[])[];
  /** Paths a round. */
  readonly paths: number;
  readonly rate: number;
  readonly entropy: number;
}

const numbers = z.array(z.array(z.number()));
const stateSchema = z.strictObject({
  logits: numbers,
  m: numbers,
  v: numbers,
  step: z.int(),
  /** Moving mean and variance of rewards; null before the first round. */
  mean: z.number().nullable(),
  variance: z.number(),
});

type State = z.output<typeof stateSchema>;

/** Weight of the newest round in the moving moments of rewards. */
const NEWEST = 0.1;
/** The first policy leaves every size a chance of at least about this. */
const LEAST = 1e-3;

export class Reinforce implements Strategy {
  readonly #options: ReinforceOptions;
  #state: State;

  constructor(options: ReinforceOptions) {
    this.#options = options;
    const { start } = options;
    const zeros = () => start.map((own) => own.map(() => 0));
    const logits = start.map((own) => own.map((p) => Math.log(Math.max(p, LEAST))));
    this.#state = { logits, m: zeros(), v: zeros(), step: 0, mean: null, variance: 0 };
  }

  get state(): State {
    return structuredClone(this.#state);
  }

  restore(state: unknown): void {
    this.#state = parseState(stateSchema, state);
  }

  /** [field][candidate] */
  get policy(): number[][] {
    return this.#state.logits.map(softmax);
  }

  /** The likeliest path; over the limit, sizes shrink where that costs the least log-probability for what it saves. */
  answer(costs: Costs): Path {
    const { logits } = this.#state;
    const path = logits.map((own) => own.indexOf(Math.max(...own)));
    while (!costs.meets(path)) {
      let best = { f: -1, k: 0, price: Number.POSITIVE_INFINITY };
      path.forEach((now, f) => {
        for (let k = 0; k < now; k++) {
          const saved = costs.table[f]![now]! - costs.table[f]![k]!;
          const price = saved > 0 ? (logits[f]![now]! - logits[f]![k]!) / saved : Number.POSITIVE_INFINITY;
          if (price < best.price) best = { f, k, price };
        }
      });
      if (best.f < 0) return costs.least;
      path[best.f] = best.k;
    }
    return path;
  }

  ask(random: Random): Path[] {
    const { policy } = this;
    return Array.from({ length: this.#options.paths }, () => policy.map((p) => pick(p, random)));
  }

  tell(judged: readonly Judged[]): void {
    const advantages = this.#advantages(judged.map(({ reward }) => reward));
    const { policy } = this;
    const { entropy } = this.#options;
    const gradient = policy.map((p, f) => {
      const spread = -p.reduce((n, x) => n + (x > 0 ? x * Math.log(x) : 0), 0);
      return p.map((x, k) => {
        const score = judged.reduce(
          (n, { path }, i) => n + advantages[i]! * ((path[f] === k ? 1 : 0) - x),
          0,
        );
        const bonus = x > 0 ? -x * (Math.log(x) + spread) : 0;
        return score / judged.length + entropy * bonus;
      });
    });
    this.#climb(gradient);
  }

  /** Rewards around the moving mean, over the moving deviation. */
  #advantages(rewards: readonly number[]): number[] {
    const mean = rewards.reduce((a, b) => a + b, 0) / rewards.length;
    const variance = rewards.reduce((n, r) => n + (r - mean) ** 2, 0) / rewards.length;
    const first = this.#state.mean === null;
    const share = first ? 1 : NEWEST;
    const baseline = first ? mean : this.#state.mean!;
    this.#state.variance += share * (variance - this.#state.variance);
    this.#state.mean = baseline + share * (mean - baseline);
    const deviation = Math.sqrt(this.#state.variance) + 1e-8;
    return rewards.map((r) => (r - baseline) / deviation);
  }

  #climb(gradient: readonly (readonly number[])[]): void {
    const { logits, m, v } = this.#state;
    const t = ++this.#state.step;
    for (const [f, own] of gradient.entries()) {
      for (const [k, g] of own.entries()) {
        m[f]![k] = 0.9 * m[f]![k]! + 0.1 * g;
        v[f]![k] = 0.999 * v[f]![k]! + 0.001 * g * g;
        const step = m[f]![k]! / (1 - 0.9 ** t) / (Math.sqrt(v[f]![k]! / (1 - 0.999 ** t)) + 1e-8);
        logits[f]![k]! += this.#options.rate * step;
      }
    }
  }
}

export function softmax(logits: readonly number[]): number[] {
  const most = Math.max(...logits);
  const weights = logits.map((x) => Math.exp(x - most));
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((w) => w / total);
}
