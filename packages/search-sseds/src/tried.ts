/** Allocations that were tried, kept in a task's folder: an interrupted search does not try them again. */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runHash, sameBits, type Task, trainConfigSchema, writeJson } from "@trimtab/search-core";
import { z } from "zod";

const fileSchema = z.strictObject({
  /** What fixes the base model that all of them start from. */
  base: z.string(),
  /** Validation AUC by the hash of what fixes a trial. */
  aucs: z.record(z.string(), z.number()),
});

export class Tried {
  readonly #path: string | undefined;
  readonly #base: string;
  readonly #aucs: Map<string, number>;

  constructor(task: Task) {
    const { data, model, seed, device, folder } = task;
    const trained = runHash({ data, model, scheme: task.uniform, seed }, trainConfigSchema.parse(task.train));
    this.#base = `${trained} ${sameBits(device)}`;
    this.#path = folder && join(folder, "sseds-tried.json");
    if (folder) mkdirSync(folder, { recursive: true });
    this.#aucs = new Map(task.resume ? this.#stored() : []);
  }

  auc(trial: string): number | undefined {
    return this.#aucs.get(trial);
  }

  keep(trial: string, auc: number): void {
    this.#aucs.set(trial, auc);
    if (this.#path) writeJson(this.#path, { base: this.#base, aucs: Object.fromEntries(this.#aucs) });
  }

  /** Nothing where the file is of another base model or cannot be read: then all are tried again. */
  #stored(): [string, number][] {
    if (!this.#path || !existsSync(this.#path)) return [];
    try {
      const { base, aucs } = fileSchema.parse(JSON.parse(readFileSync(this.#path, "utf8")));
      return base === this.#base ? Object.entries(aucs) : [];
    } catch {
      return [];
    }
  }
}
