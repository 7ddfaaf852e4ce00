/**
 * What kept slots are worth, before anything is retrained in full: the base model without the others, after some steps of training, an epoch at
 * most. Ours. Without the steps the order is often wrong: a model that has lost a large field at once scores far below what it is soon after.
 */
import { inheritModel, type Model, ModelError } from "@trimtab/models";
import {
  Interrupted,
  runHash,
  type Task,
  type TrainConfig,
  TrainingDiverged,
  train,
  trainConfigSchema,
} from "@trimtab/search-core";
import type { Kept } from "./allocate.ts";
import { type Layout, schemeOf } from "./layout.ts";
import { TrialFile } from "./trial-file.ts";

export interface WorthOptions {
  readonly task: Task;
  /** The trained base model. */
  readonly base: Model;
  readonly layout: Layout;
  /** At most; an epoch of them is enough. */
  readonly steps: number;
}

export class Worth {
  readonly #options: WorthOptions;
  readonly #config: TrainConfig;
  #opened: TrialFile | undefined;
  readonly #made = new Set<string>();
  readonly #recalled = new Map<string, number>();

  constructor(options: WorthOptions) {
    this.#options = options;
    const { task, steps } = options;
    this.#config = trainConfigSchema.parse({ ...task.train, epochs: 1, maxSteps: steps });
  }

  /** Where nothing is tried, there is no file. */
  get #file(): TrialFile {
    this.#opened ??= new TrialFile(this.#options.task);
    return this.#opened;
  }

  /** Seconds of the trials that were asked and that an earlier start had made. */
  get recalledSeconds(): number {
    return [...this.#recalled.values()].reduce((a, b) => a + b, 0);
  }

  /**
   * Validation AUC; the same slots are tried once. Undefined where the model cannot start from the base (a DLRM that loses all its dense fields)
   * or diverges: such slots cannot be judged. Throws Interrupted.
   */
  async of(kept: Kept): Promise<number | undefined> {
    const { task, base, layout } = this.#options;
    const { data, device, model, seed, signal } = task;
    const config = this.#config;
    const scheme = schemeOf(task, kept, layout);
    const name = runHash({ data, model, scheme, seed }, config);
    const known = this.#file.get(name);
    if (known) {
      if (!this.#made.has(name)) this.#recalled.set(name, known.seconds);
      return known.auc;
    }
    const started = performance.now();
    try {
      const trained = await train({
        ...{ device, model, seed, signal, scheme, config },
        data: await task.splits(),
        prepare: (small) => inheritModel(base, small),
      });
      const { auc } = trained.valid;
      await trained.dispose();
      this.#made.add(name);
      this.#file.keep(name, { auc, seconds: (performance.now() - started) / 1000 });
      return auc;
    } catch (reason) {
      if (reason instanceof ModelError || reason instanceof TrainingDiverged) return undefined;
      if (reason instanceof Interrupted) throw this.#interrupted();
      throw reason;
    }
  }

  #interrupted(): Interrupted {
    const { path, size } = this.#file;
    const hint = path
      ? `; the ${size} that were tried are in ${path}, go on with --resume`
      : "; nothing was saved (no run folder)";
    return new Interrupted(`sseds: stopped while it tried allocations${hint}.`);
  }
}
