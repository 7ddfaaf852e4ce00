/**
 * A comparison: base model, methods, budgets and seeds on one dataset, one training after another. Every finished training
 * is a line of results.jsonl at once; a line that is there is not computed again, so a comparison that was killed goes on
 * where it stood, and one that grows (a seed, a method, a budget more) pays only for what is new.
 */
import { createHash } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Columns, Dataset } from "@trimtab/data";
import type { Scheme } from "@trimtab/embeddings";
import { appendResult, evaluate, type ResultRow, readResults } from "@trimtab/eval";
import type { ModelConfig } from "@trimtab/models";
import type { Device } from "@trimtab/tensor-core";
import { Interrupted } from "../errors.ts";
import type { Found, SearchEvent, Searcher } from "../searcher.ts";
import type { Task } from "../task.ts";
import type { TrainConfig } from "../training/config.ts";
import type { TrainEvent } from "../training/progress.ts";
import { runHash, type Trained } from "../training/trainer.ts";
import { dropCosts, recallDropCosts, storeDropCosts } from "./drop-costs.ts";
import { resultRow } from "./result-row.ts";
import { fileName, type RunFolder } from "./run-folder.ts";
import { recallSearch, recallSearchByName, type SavedSearch, storeSearch } from "./saved-search.ts";
import { WatchedTask } from "./watched-task.ts";

/** A method that cannot meet a budget, and why: shown, not dropped. */
export interface Missing {
  readonly method: string;
  readonly budget: string;
  readonly seed: number;
  readonly reason: string;
}

export type ComparisonEvent =
  | { readonly kind: "train"; readonly name: string; readonly seed: number; readonly event: TrainEvent }
  | { readonly kind: "search"; readonly method: string; readonly seed: number; readonly event: SearchEvent }
  | { readonly kind: "fields"; readonly seed: number; readonly done: number; readonly total: number }
  | { readonly kind: "row"; readonly row: ResultRow; readonly known: boolean }
  | ({ readonly kind: "missing" } & Missing);

export interface ComparisonOptions {
  readonly run: RunFolder;
  readonly data: Dataset;
  readonly device: Device;
  readonly model: ModelConfig;
  readonly train: TrainConfig;
  readonly seeds: readonly number[];
  readonly budgets: readonly string[];
  readonly methods: readonly Searcher[];
  /** The command line, for the rows. */
  readonly command: string;
  readonly signal?: AbortSignal;
  /** Measure what each field is worth to the base model, for reports; default true. */
  readonly fieldWorth?: boolean;
  /** Keep the checkpoints of every model, not the base models' alone. */
  readonly keep?: boolean;
  readonly onEvent?: (event: ComparisonEvent) => void;
}

export interface Comparison {
  /** In the order seed, method, budget; the base model first. */
  readonly rows: readonly ResultRow[];
  readonly missing: readonly Missing[];
  /** What each search found and learned. */
  readonly searches: readonly SavedSearch[];
  /** Lines of results.jsonl that could not be read. */
  readonly problems: readonly string[];
}

/** Throws Interrupted, and what searching and training throw. */
export async function compare(options: ComparisonOptions): Promise<Comparison> {
  const file = options.run.resultsFile;
  const before = existsSync(file) ? readResults(file) : { rows: [], problems: [] };
  const work = new Work(options, [...before.rows]);
  for (const seed of options.seeds) await work.seed(seed);
  options.run.writeRows(Object.fromEntries(work.rows.map((row) => [nameOf(row), row])));
  return {
    rows: work.rows,
    missing: work.missing,
    searches: work.searches,
    problems: before.problems.map((p) => p.message),
  };
}

class Work {
  readonly rows: ResultRow[] = [];
  readonly missing: Missing[] = [];
  readonly searches: SavedSearch[] = [];
  readonly #options: ComparisonOptions;
  readonly #known: ResultRow[];
  #test: Promise<Columns> | undefined;

  constructor(options: ComparisonOptions, known: ResultRow[]) {
    this.#options = options;
    this.#known = known;
  }

  async seed(seed: number): Promise<void> {
    const { data, device, model, train, run, signal } = this.#options;
    const folder = join(run.checkpoints, `seed-${seed}`);
    const task = new WatchedTask({ data, device, model, train, seed, folder, resume: true, signal });
    try {
      await this.#base(task);
      if (this.#options.fieldWorth ?? true) await this.#fields(task);
      for (const method of this.#options.methods) await this.#method(task, method);
    } finally {
      await task.dispose();
    }
  }

  async #base(task: WatchedTask): Promise<void> {
    this.#checkSignal();
    const key = this.#key(task, task.uniform);
    if (this.#recall(key, "base", null)) return;
    const trained = await task.base(this.#onTrain("base", task.seed));
    await this.#record(task, {
      key,
      method: "base",
      budget: null,
      scheme: task.uniform,
      trained,
      seconds: {},
    });
  }

  /** What each field is worth to the base model: measured once a seed. */
  async #fields(task: WatchedTask): Promise<void> {
    const { run, data, device, train, onEvent } = this.#options;
    const { seed } = task;
    const key = this.#key(task, task.uniform);
    if (recallDropCosts(run.path, seed)?.key === key) return;
    // a folder of an older version whose base model is gone: not worth a training
    if (!existsSync(join(task.folder!, "base"))) return;
    this.#checkSignal();
    const { model } = await task.base(this.#onTrain("base", seed));
    const { valid } = await task.splits();
    const costs = await dropCosts({
      ...{ device, model, fields: data.fields, valid, scoreBatch: train.scoreBatch },
      onField: (done, total) => onEvent?.({ kind: "fields", seed, done, total }),
    });
    storeDropCosts(run.path, { key, seed, ...costs });
  }

  async #method(task: WatchedTask, method: Searcher): Promise<void> {
    const budgets = this.#options.budgets.filter((budget) => {
      const reason = method.cannot(task, budget);
      if (reason !== undefined) this.#miss({ method: method.name, budget, seed: task.seed, reason });
      return reason === undefined;
    });
    if (budgets.length === 0) return;
    const { found, saved } = await this.#search(task, method, budgets);
    this.searches.push(saved);
    for (const one of found) await this.#retrain(task, method, one, saved);
  }

  async #search(
    task: WatchedTask,
    method: Searcher,
    budgets: readonly string[],
  ): Promise<{ found: readonly Found[]; saved: SavedSearch }> {
    const { run, data, model, train } = this.#options;
    const name = `${fileName(method.name)}-seed-${task.seed}`;
    const key = hashOf([data.hash, model, train, task.seed, method.name, method.config, budgets]);
    const recalled = recallSearch(run, name, key) ?? this.#finished(task, method, name, key);
    if (recalled) return recalled;
    this.#checkSignal();
    task.forget();
    const result = await method.search(task, {
      budgets,
      onEvent: (event) => {
        this.#options.onEvent?.({ kind: "search", method: method.name, seed: task.seed, event });
      },
    });
    const baseSeconds = await task.baseSeconds();
    const facts = { key, seed: task.seed, config: method.config, baseSeconds, result };
    const saved = storeSearch(run, name, facts);
    return { found: result.found, saved };
  }

  /** A search that cannot be recalled whole, where nothing of it is needed any more: every row of it is known. */
  #finished(task: Task, method: Searcher, name: string, key: string): ReturnType<typeof recallSearchByName> {
    const recalled = recallSearchByName(this.#options.run, name);
    if (recalled?.saved.key !== key) return undefined;
    const all = recalled.found.every(({ budget, scheme }) => {
      const row = this.#key(task, scheme, [method.name, method.config]);
      return this.#known.some((r) => r.config.key === row && r.method === method.name && r.budget === budget);
    });
    return all ? recalled : undefined;
  }

  async #retrain(task: WatchedTask, method: Searcher, found: Found, saved: SavedSearch): Promise<void> {
    this.#checkSignal();
    const { scheme, budget, prepare } = found;
    // weights that were inherited make another training, even under the same scheme
    const own = prepare || found.trained || !saved.whole;
    const start = own ? [method.name, method.config] : "scratch";
    const key = this.#key(task, scheme, start);
    if (this.#recall(key, method.name, budget)) {
      await found.trained?.dispose();
      return;
    }
    const seconds: Record<string, number> = { search: saved.seconds };
    if (saved.baseSeconds > 0) seconds.base = saved.baseSeconds;
    const twin = this.#known.find((row) => row.config.key === key);
    if (twin) {
      // two methods that found the same scheme share one training; its seconds are shown for both
      const { train = 0, evaluate: evaluation = 0 } = twin.seconds;
      const row = {
        ...twin,
        method: method.name,
        budget,
        seconds: { ...seconds, train, evaluate: evaluation },
      };
      this.#append(row);
      await found.trained?.dispose();
      return;
    }
    const name = `${fileName(method.name)}-${fileName(budget)}`;
    const onEvent = this.#onTrain(`${method.name} ${budget}`, task.seed);
    const trained = found.trained ?? (await task.trainUnder(scheme, { name, onEvent, prepare }));
    try {
      await this.#record(task, {
        key,
        method: method.name,
        budget,
        scheme,
        trained,
        seconds,
        search: method.config,
      });
    } finally {
      await trained.dispose();
    }
    if (!this.#options.keep) rmSync(join(task.folder!, name), { recursive: true, force: true });
  }

  async #record(
    task: Task,
    facts: {
      readonly key: string;
      readonly method: string;
      readonly budget: string | null;
      readonly scheme: Scheme;
      readonly trained: Trained;
      readonly seconds: Readonly<Record<string, number>>;
      readonly search?: unknown;
    },
  ): Promise<void> {
    const { key, trained, search, seconds, ...rest } = facts;
    this.#test ??= this.#options.data.load("test");
    const test = await this.#test;
    const metrics = evaluate({ logits: await trained.score(test), labels: test.labels, users: test.users });
    const config = { key, train: this.#options.train, ...(search === undefined ? {} : { search }) };
    const row = resultRow({
      ...rest,
      command: this.#options.command,
      task,
      trained,
      test: metrics,
      config,
      seconds: { ...seconds, ...trained.seconds },
    });
    this.#append(row);
  }

  #append(row: ResultRow): void {
    appendResult(this.#options.run.resultsFile, row);
    this.#known.push(row);
    this.#show(row, false);
  }

  #recall(key: string, method: string, budget: string | null): boolean {
    const row = this.#known.find((r) => r.config.key === key && r.method === method && r.budget === budget);
    if (row) this.#show(row, true);
    return row !== undefined;
  }

  #show(row: ResultRow, known: boolean): void {
    this.rows.push(row);
    this.#options.onEvent?.({ kind: "row", row, known });
  }

  #miss(missing: Missing): void {
    this.missing.push(missing);
    this.#options.onEvent?.({ kind: "missing", ...missing });
  }

  #key(task: Task, scheme: Scheme, start: unknown = "scratch"): string {
    const { data, model, train } = this.#options;
    return hashOf([runHash({ data, model, scheme, seed: task.seed }, train), start]);
  }

  #onTrain(name: string, seed: number) {
    return (event: TrainEvent) => this.#options.onEvent?.({ kind: "train", name, seed, event });
  }

  #checkSignal(): void {
    if (!this.#options.signal?.aborted) return;
    throw new Interrupted(
      `comparison: stopped; ${this.#known.length} finished rows are in ${this.#options.run.resultsFile}, run the same command again to go on.`,
    );
  }
}

function nameOf({ method, budget, seeds }: ResultRow): string {
  return [method, ...(budget === null ? [] : [budget]), `seed ${seeds.run}`].map(fileName).join("-");
}

function hashOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);
}
