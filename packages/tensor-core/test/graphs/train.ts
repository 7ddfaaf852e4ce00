/**
 * A DeepFM trained on made clicks: two tables moved by rowAdam, batch norm, dropout. Everything is a function of the step's number,
 * so runs on different devices can be compared step by step.
 */
import { Random } from "@trimtab/test-support";
import * as t from "../../src/index.ts";
import { makePlan } from "../plans.ts";
import { type DeepFmSizes, deepFmStep } from "./deepfm.ts";

export const SMALL_DEEPFM: DeepFmSizes = { batch: 256, fields: 6, features: 120, dim: 8, hidden: [24, 12] };

/**
 * The one of CTR benchmarks. Ten times as much and the two engines' curves are 6e-3 apart after 200 steps: a rounding that turns one
 * relu over is a step of Adam, and so on. Beside that a bias in front of a batch norm has a gradient of rounding errors only.
 */
const LEARNING_RATE = 0.001;

export class DeepFmRun {
  readonly variables: t.Variable[] = [];
  readonly program: t.Program<Record<string, t.Tensor>>;
  readonly #sizes: DeepFmSizes;
  readonly #rule = t.adam({ lr: LEARNING_RATE });
  #step = 0;

  private constructor(
    sizes: DeepFmSizes,
    variables: t.Variable[],
    program: t.Program<Record<string, t.Tensor>>,
  ) {
    this.#sizes = sizes;
    this.variables = variables;
    this.program = program;
  }

  static async start(device: t.Device, sizes: DeepFmSizes = SMALL_DEEPFM): Promise<DeepFmRun> {
    const random = new Random(17);
    const variables: t.Variable[] = [];
    const step = deepFmStep((name, shape, dtype) => {
      const variable = device.variable(name, shape, { dtype });
      variable.write(startOf(variable, random));
      variables.push(variable);
      return variable;
    }, sizes);
    return new DeepFmRun(sizes, variables, await device.compile(step));
  }

  /** Takes one step; resolves with its loss. */
  async step(): Promise<number> {
    this.#step++;
    const { loss } = await this.program.fetch(this.#feeds(), ["loss"]);
    return loss![0]!;
  }

  /** The losses of so many steps. */
  async steps(count: number): Promise<number[]> {
    const losses: number[] = [];
    for (let i = 0; i < count; i++) losses.push(await this.step());
    return losses;
  }

  /** All variables now, by name. */
  async contents(): Promise<Map<string, t.HostArray>> {
    const read = this.variables.map(async (v) => [v.name, await v.read()] as const);
    return new Map(await Promise.all(read));
  }

  [Symbol.dispose](): void {
    this.program.dispose();
    for (const variable of this.variables) variable.dispose();
  }

  #feeds(): t.Feeds {
    const { batch, fields, features } = this.#sizes;
    const random = new Random(1000 + this.#step);
    const perField = features / fields;
    const ids: number[] = [];
    const labels = new Float32Array(batch);
    for (let row = 0; row < batch; row++) {
      let logit = -0.3;
      for (let field = 0; field < fields; field++) {
        // the fifth power: some features are met again and again, with runs longer than a plan's piece
        const id = Math.floor(perField * (field + random.next() ** 5));
        ids.push(id);
        logit += Math.sin(id * 1.7 + field);
      }
      labels[row] = random.next() < 1 / (1 + Math.exp(-logit)) ? 1 : 0;
    }
    const [c1, c2] = this.#rule.scalars(this.#step) as [number, number];
    return {
      ids: Uint32Array.from(ids),
      labels,
      ...makePlan("plan", ids).feeds,
      "rng.seed": 7,
      "rng.step": this.#step,
      "adam.lr": LEARNING_RATE,
      "adam.c1": c1,
      "adam.c2": c2,
    };
  }
}

/** As models start: scales and variances at one, weights random, biases, means and moments at zero. */
function startOf({ name, shape, size }: t.Variable, random: Random): Float32Array {
  if (/^(gamma|variance)\d+$/.test(name)) return new Float32Array(size).fill(1);
  if (!/^(embeddings|linear|w\d+|out)$/.test(name)) return new Float32Array(size);
  const scale = name === "embeddings" || name === "linear" ? 0.1 : Math.sqrt(3 / shape[0]!);
  return Float32Array.from({ length: size }, () => random.between(-scale, scale));
}
