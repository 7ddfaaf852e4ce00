/** Trials of allocations, kept in a task's folder: an interrupted search does not make them again. */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runHash, sameBits, type Task, trainConfigSchema, writeJson } from "@trimtab/search-core";
import { z } from "zod";

const trialSchema = z.strictObject({
  /** Validation AUC. */
  auc: z.number(),
  /** What it took. */
  seconds: z.number().nonnegative(),
});
export type Trial = Readonly<z.output<typeof trialSchema>>;

const fileSchema = z.strictObject({
  /** What fixes the base model that all of them start from. */
  base: z.string(),
  /** By the hash of what fixes a trial. */
  trials: z.record(z.string(), trialSchema),
});

export class TrialFile {
  readonly path: string | undefined;
  readonly #base: string;
  readonly #trials: Map<string, Trial>;

  constructor(task: Task) {
    const { data, model, seed, device, folder } = task;
    const trained = runHash({ data, model, scheme: task.uniform, seed }, trainConfigSchema.parse(task.train));
    this.#base = `${trained} ${sameBits(device)}`;
    this.path = folder && join(folder, "sseds-trials.json");
    if (folder) mkdirSync(folder, { recursive: true });
    this.#trials = new Map(task.resume ? this.#stored() : []);
  }

  get size(): number {
    return this.#trials.size;
  }

  get(name: string): Trial | undefined {
    return this.#trials.get(name);
  }

  keep(name: string, trial: Trial): void {
    this.#trials.set(name, trial);
    if (this.path) writeJson(this.path, { base: this.#base, trials: Object.fromEntries(this.#trials) });
  }

  /** Nothing where the file is of another base model or cannot be read: then all are made again. */
  #stored(): [string, Trial][] {
    if (!this.path || !existsSync(this.path)) return [];
    try {
      const { base, trials } = fileSchema.parse(JSON.parse(readFileSync(this.path, "utf8")));
      return base === this.#base ? Object.entries(trials) : [];
    } catch {
      return [];
    }
  }
}
