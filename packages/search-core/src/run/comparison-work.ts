/** The work of a comparison, one part after another: recalls what is there, and computes the rest or counts it. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Columns } from "@trimtab/data";
import type { Scheme } from "@trimtab/embeddings";
import { appendResult, evaluate, type ResultRow, rowPlace } from "@trimtab/eval";
import { Interrupted } from "../errors.ts";
import type { Found, Searcher } from "../searcher.ts";
import type { Task } from "../task.ts";
import { trainConfigSchema } from "../training/config.ts";
import type { Trained } from "../training/contract.ts";
import { runHash } from "../training/identity.ts";
import type { TrainEvent } from "../training/progress.ts";
import type { ComparisonOptions, Left, Missing } from "./comparison.ts";
import { dropCosts, recallDropCosts, storeDropCosts } from "./drop-costs.ts";
import { resultRow } from "./result-row.ts";
import { fileName } from "./run-folder.ts";
import {
  adoptSearch,
  recallSearch,
  recallSearchByName,
  type SavedSearch,
  storeSearch,
} from "./saved-search.ts";
import { clearTrial, keyedName, settleTrial, trialName } from "./trial-folder.ts";
import { WatchedTask } from "./watched-task.ts";

interface Searched {
  readonly found: readonly Found[];
  readonly saved: SavedSearch;
}

/** One training of the comparison. */
interface Trial {
  readonly key: string;
  readonly method: string;
  readonly budget: string | null;
  readonly scheme: Scheme;
  /** Of what came before it. */
  readonly seconds: Readonly<Record<string, number>>;
  /** The searcher's configuration. */
  readonly search?: unknown;
}

export class ComparisonWork {
  readonly rows: ResultRow[] = [];
  readonly missing: Missing[] = [];
  readonly searches: SavedSearch[] = [];
  readonly left: Left[] = [];
  readonly #options: ComparisonOptions;
  readonly #known: ResultRow[];
  readonly #compute: boolean;
  #test: Promise<Columns> | undefined;

  /** `compute` false: what is not there is counted as left. */
  constructor(options: ComparisonOptions, known: ResultRow[], compute: boolean) {
    this.#options = options;
    this.#known = known;
    this.#compute = compute;
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
    const { cache } = this.#options;
    const key = this.#key(task, task.uniform);
    const folder = join(task.folder!, "base");
    // searches start from it, even where its row is known
    if (this.#compute) cache?.adoptCheckpoint(key, folder);
    const trial = { key, method: "base", budget: null, scheme: task.uniform, seconds: {} };
    if (this.#recall(trial)) {
      // asked for the base model alone: others go on from its checkpoint, which may be gone
      if (this.#compute && this.#options.methods.length === 0) {
        await task.base(this.#onTrain("base", task.seed));
        cache?.keepCheckpoint(key, folder);
      }
      return;
    }
    if (!this.#compute) {
      this.left.push({ method: "base", seed: task.seed, trainings: 1, search: false });
      return;
    }
    this.#checkSignal();
    const trained = await task.base(this.#onTrain("base", task.seed));
    await this.#record(task, trial, trained);
    cache?.keepCheckpoint(key, folder);
  }

  /** What each field is worth to the base model: measured once a seed. */
  async #fields(task: WatchedTask): Promise<void> {
    const { run, data, device, train, onEvent } = this.#options;
    const { seed } = task;
    const key = this.#key(task, task.uniform);
    if (recallDropCosts(run.path, seed)?.key === key) return;
    // a folder of an older version whose base model is gone: not worth a training
    if (!existsSync(join(task.folder!, "base"))) return;
    if (!this.#compute) {
      const left = { method: "base", seed, trainings: 0, search: false };
      if (!this.left.some((one) => one.method === "base" && one.seed === seed)) this.left.push(left);
      return;
    }
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
    const left = { method: method.name, seed: task.seed, trainings: 0, search: false };
    for (const together of method.independent ? budgets.map((budget) => [budget]) : [budgets]) {
      const { open, search } = await this.#together(task, method, together);
      left.trainings += open;
      left.search ||= search;
    }
    if (left.trainings > 0) this.left.push(left);
  }

  /** Budgets of one search; how many of their trainings are left, and whether the search is. */
  async #together(
    task: WatchedTask,
    method: Searcher,
    budgets: readonly string[],
  ): Promise<{ readonly open: number; readonly search: boolean }> {
    const searched = await this.#search(task, method, budgets);
    if (!searched) return { open: budgets.length, search: true };
    const { found, saved } = searched;
    this.searches.push(saved);
    let open = 0;
    for (const one of found) if (!(await this.#retrain(task, method, one, saved))) open++;
    // not before: a search that trains and is stopped amid its rows is done again, and finds what it had trained
    if (this.#compute && !saved.whole && !this.#options.keep)
      for (const budget of budgets) clearTrial(task.folder!, trialName(method.name, budget));
    return { open, search: open > 0 && !saved.whole };
  }

  async #search(
    task: WatchedTask,
    method: Searcher,
    budgets: readonly string[],
  ): Promise<Searched | undefined> {
    const { run, cache, data, model, train } = this.#options;
    const schemes = `${fileName(method.name)}-seed-${task.seed}`;
    const name = method.independent ? `${schemes}-${fileName(budgets[0]!)}` : schemes;
    const { config, code } = method;
    // how often checkpoints are written changes nothing that is found
    const settings = { ...train, checkpointSeconds: trainConfigSchema.parse({}).checkpointSeconds };
    const key = hashOf([
      data.hash,
      model,
      settings,
      task.seed,
      method.name,
      config,
      budgets,
      ...stateOf(code),
    ]);
    const cached = recallSearchByName(run, name)?.saved.key === key ? undefined : cache?.search(key);
    if (cached) adoptSearch(run, name, cached);
    const recalled = recallSearch(run, name, key) ?? this.#finished(task, method, name, key);
    if (recalled || !this.#compute) return recalled;
    this.#checkSignal();
    task.forget();
    const result = await method.search(task, {
      budgets,
      onEvent: (event) => {
        this.#options.onEvent?.({ kind: "search", method: method.name, seed: task.seed, event });
      },
    });
    const baseSeconds = await task.baseSeconds();
    const facts = { key, seed: task.seed, config: method.config, baseSeconds, result, schemes };
    const saved = storeSearch(run, name, facts);
    cache?.keepSearch(key, saved, result.found);
    return { found: result.found, saved };
  }

  /** A search that cannot be recalled whole, where nothing of it is needed any more: every row of it is known. */
  #finished(task: Task, method: Searcher, name: string, key: string): Searched | undefined {
    const recalled = recallSearchByName(this.#options.run, name);
    if (recalled?.saved.key !== key) return undefined;
    const all = recalled.found.every(({ budget, scheme }) => {
      const row = this.#key(task, scheme, ownStart(method));
      const there = this.#known.some(
        (r) => r.config.key === row && r.method === method.name && r.budget === budget,
      );
      return there || this.#options.cache?.row(row) !== undefined;
    });
    // counting what is left needs the schemes alone
    return all || !this.#compute ? recalled : undefined;
  }

  /** Trains and tests; true if the row is there afterwards. */
  async #retrain(task: WatchedTask, method: Searcher, found: Found, saved: SavedSearch): Promise<boolean> {
    const { scheme, budget, prepare } = found;
    // weights that were inherited make another training, even under the same scheme
    const own = prepare || found.trained || !saved.whole;
    const key = this.#key(task, scheme, own ? ownStart(method) : "scratch");
    const seconds: Record<string, number> = { search: saved.seconds };
    if (saved.baseSeconds > 0) seconds.base = saved.baseSeconds;
    const trial = { key, method: method.name, budget, scheme, seconds, search: method.config };
    if (this.#recall(trial)) {
      await found.trained?.dispose();
      return true;
    }
    if (!this.#compute) return false;
    this.#checkSignal();
    // with its key: what an earlier configuration of the method left half trained is another training
    const plain = trialName(method.name, budget);
    const name = keyedName(plain, key);
    const start = prepare && ownStart(method);
    const onEvent = this.#onTrain(`${method.name} ${budget}`, task.seed);
    const trained = found.trained ?? (await task.trainUnder(scheme, { name, onEvent, prepare, start }));
    try {
      await this.#record(task, trial, trained);
    } finally {
      await trained.dispose();
    }
    if (this.#options.keep) {
      if (!found.trained) settleTrial(task.folder!, plain, key);
    } else if (saved.whole) clearTrial(task.folder!, plain);
    return true;
  }

  async #record(task: Task, trial: Trial, trained: Trained): Promise<void> {
    const { key, method, budget, scheme, seconds, search } = trial;
    this.#test ??= this.#options.data.load("test");
    const test = await this.#test;
    const metrics = evaluate({ logits: await trained.score(test), labels: test.labels, users: test.users });
    const config = { key, train: this.#options.train, ...(search === undefined ? {} : { search }) };
    const row = resultRow({
      method,
      budget,
      scheme,
      trained,
      command: this.#options.command,
      task,
      test: metrics,
      config,
      seconds: { ...seconds, ...trained.seconds },
    });
    this.#options.cache?.keepRow(key, row);
    this.#append(row);
    this.#show(row, false);
  }

  #append(row: ResultRow): void {
    appendResult(this.#options.run.resultsFile, row);
    this.#known.push(row);
  }

  /** True if the trial's row is there, or was found: of another method or other settings that had the same scheme, or by another run. */
  #recall({ key, method, budget, scheme, seconds, search }: Trial): boolean {
    const same = this.#known.filter((row) => row.config.key === key);
    const asked = search === undefined ? undefined : JSON.parse(JSON.stringify(search));
    let row = same.findLast(
      (r) => r.method === method && r.budget === budget && isDeepStrictEqual(r.config.search, asked),
    );
    if (row) {
      // readers take the last row of a method, budget and seed: with other settings there is one after this
      if (this.#lastOf(row) !== row) this.#append(row);
    } else {
      const twin = same[0] ?? this.#options.cache?.row(key);
      if (!twin) return false;
      // its training's seconds are shown for both
      const { train = 0, evaluate: evaluation = 0 } = twin.seconds;
      const { search: _, ...rest } = twin.config;
      const own = {
        scheme: JSON.parse(JSON.stringify(scheme)),
        ...(asked === undefined ? {} : { search: asked }),
      };
      row = {
        ...twin,
        method,
        budget,
        config: { ...rest, ...own },
        seconds: { ...seconds, train, evaluate: evaluation },
      };
      this.#append(row);
    }
    this.#show(row, true);
    return true;
  }

  #lastOf(row: ResultRow): ResultRow | undefined {
    const place = rowPlace(row);
    return this.#known.findLast((other) => rowPlace(other) === place);
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

/** What makes a training the method's own, where it does not start from scratch. */
const ownStart = ({ name, config, code }: Searcher) => [name, config, ...stateOf(code)];

/** Nothing where there is none, so that keys are as they were before searchers had it. */
const stateOf = (code: string | undefined) => (code === undefined ? [] : [code]);

function hashOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);
}
