/**
 * The search: trains the base model with thresholds until the last budget is met, and keeps a mask for each on the way. Steps
 * and counts are queued; the loop waits only for what was asked a whole counting interval before.
 */
import { createHash } from "node:crypto";
import { type Batch, createBatchSource } from "@trimtab/data";
import { ELEMENT_LAYOUTS, type ElementScheme, elementBytes } from "@trimtab/embeddings";
import {
  baseDim,
  batchFeeds,
  diverged,
  elementCapacity,
  Interrupted,
  type Limit,
  type SearchEvent,
  type Task,
  type TrainingData,
} from "@trimtab/search-core";
import { captureAbove, captureBest, makeFinal, masksOf } from "./capture.ts";
import { Checkpoint, type Position, startPosition } from "./checkpoint.ts";
import { type Count, Counter } from "./counter.ts";
import { BudgetNotReached } from "./errors.ts";
import { LEVELS, LOWEST, levelAt, levelFor, levelsAround, nextRamp, shareAt, stepOf } from "./schedule.ts";
import { type Settings, trainingOf } from "./settings.ts";
import { openStage, type Stage } from "./stage.ts";

/** Rows of a table that a count of scheduled mode looks at. */
const SAMPLE = 4096;
/** Default length of scheduled mode: a model must have learned something before its numbers are worth comparing. */
const MOST_EPOCHS = 20;
const LEAST_STEPS = 2000;

/** One budget of the search, and what was found for it. */
interface Goal {
  readonly limit: Limit;
  /** Position among the budgets as they were given. */
  readonly index: number;
  /** About how many numbers it holds. */
  readonly capacity: number;
}

export interface PepOutcome {
  /** One for each limit, in order. */
  readonly schemes: readonly ElementScheme[];
  /** The step at which each was taken, in order. */
  readonly steps: readonly number[];
  readonly secondsPerStep: number;
  readonly settings: Settings;
}

/** Runs a search to its end. Throws BudgetNotReached, Interrupted, TrainingDiverged and what the packages below throw. */
export async function runSearch(
  task: Task,
  limits: readonly Limit[],
  wanted: Settings,
  emit: (event: SearchEvent) => void,
): Promise<PepOutcome> {
  const data = await task.splits();
  const batch = Math.min(wanted.batch, data.train.rows);
  const perEpoch = Math.floor(data.train.rows / batch);
  const epochs = Math.min(MOST_EPOCHS, trainingOf(task).epochs);
  const settings: Settings =
    wanted.mode === "scheduled"
      ? { ...wanted, batch, steps: wanted.steps || Math.max(LEAST_STEPS, epochs * perEpoch) }
      : { ...wanted, batch };
  const stage = await openStage(task.device, task, settings);
  let counter: Counter | undefined;
  try {
    const scheduled = settings.mode === "scheduled";
    counter = await Counter.make(task.device, stage.model.tables, stage.thresholds, {
      levels: scheduled ? LEVELS : 1,
      sample: scheduled ? SAMPLE : Number.MAX_SAFE_INTEGER,
    });
    return await new PepSearch(task, data, limits, settings, stage, counter, emit).run();
  } finally {
    counter?.dispose();
    stage.dispose();
  }
}

class PepSearch {
  readonly #task: Task;
  readonly #data: TrainingData;
  readonly #settings: Settings;
  readonly #stage: Stage;
  readonly #counter: Counter;
  readonly #emit: (event: SearchEvent) => void;
  /** Largest budget first. */
  readonly #goals: readonly Goal[];
  readonly #needs: ReadonlySet<string>;
  readonly #warmUpNeeds: ReadonlySet<string>;
  readonly #checkpoint: Checkpoint;
  readonly #schemes: ElementScheme[] = [];
  #position: Position;
  /** What was asked and not looked at yet. */
  #counts: Promise<Count[]> = Promise.resolve([]);
  #loss: Promise<number> = Promise.resolve(0);
  #startedAt = performance.now();
  #savedAt = performance.now();

  constructor(
    task: Task,
    data: TrainingData,
    limits: readonly Limit[],
    settings: Settings,
    stage: Stage,
    counter: Counter,
    emit: (event: SearchEvent) => void,
  ) {
    this.#task = task;
    this.#data = data;
    this.#settings = settings;
    this.#stage = stage;
    this.#counter = counter;
    this.#emit = emit;
    this.#needs = new Set(stage.program.inputs);
    this.#warmUpNeeds = new Set(stage.warmUp?.inputs);
    const dim = baseDim(task.model);
    this.#goals = limits
      .map((limit, index) => ({ limit, index, capacity: elementCapacity(task.fields, dim, limit) }))
      .sort((a, b) => b.capacity - a.capacity || a.index - b.index);
    // a search that ran out of steps goes on with more of them
    const fixed = [data.hash, task.model, task.seed, { ...settings, maxSteps: undefined }, limits];
    const hash = createHash("sha256").update(JSON.stringify(fixed)).digest("hex").slice(0, 16);
    this.#checkpoint = new Checkpoint(task.folder, hash);
    this.#position = startPosition(hash);
  }

  async run(): Promise<PepOutcome> {
    if (this.#task.resume && this.#checkpoint.exists) this.#resume();
    const { fields, train } = this.#data;
    const source = createBatchSource(train, {
      fields,
      tables: this.#stage.model.layouts,
      batch: this.#settings.batch,
      seed: this.#task.seed,
      shuffle: true,
      plans: true,
      dropLast: true,
    });
    this.#startedAt = performance.now();
    try {
      while (!this.#position.finished) {
        const { epoch, batch: from } = this.#position;
        const batches = source.epoch(epoch, { from });
        for await (const batch of batches) {
          await this.#step(batch);
          batch.release();
          if (this.#position.finished) break;
        }
        await batches.close();
        if (!this.#position.finished) this.#position = { ...this.#position, epoch: epoch + 1, batch: 0 };
      }
    } finally {
      // an answer that nobody looks at any more must not fail the process
      await Promise.allSettled([this.#counts, this.#loss]);
      await source.close();
    }
    return this.#outcome();
  }

  get #last(): number {
    return this.#settings.mode === "scheduled" ? this.#settings.steps : this.#settings.maxSteps;
  }

  get #numbers(): number {
    return this.#task.uniform.parameters;
  }

  async #step(batch: Batch): Promise<void> {
    const { optimizer, warmUp } = this.#stage;
    const level = levelAt(this.#position.ramp, optimizer.step + 1);
    const program = warmUp && level <= LOWEST ? warmUp : this.#stage.program;
    const needs = program === warmUp ? this.#warmUpNeeds : this.#needs;
    const scalars = optimizer.next(needs) as Record<string, number>;
    const { step } = optimizer;
    const extra = { ...scalars };
    if (needs.has("rng.seed")) extra["rng.seed"] = this.#task.seed >>> 0;
    if (needs.has("rng.step")) extra["rng.step"] = step;
    const fed = batchFeeds(batch, needs, extra);
    const feeds = program === warmUp ? fed : { ...fed, ...this.#stage.feedsOf(level, fed) };
    const asks = step % this.#settings.countEvery === 0;
    const loss = asks ? program.fetch(feeds, ["loss"]).then((out) => out.loss[0]!) : undefined;
    // rejections are taken up at the next asking
    loss?.catch(() => undefined);
    if (!asks) program.run(feeds);
    this.#position = { ...this.#position, step, batch: batch.index + 1 };
    await this.#takeScheduled(step);
    if (loss && !this.#position.finished) await this.#consult(step, loss);
    if (this.#position.finished) return;
    if (step >= this.#last) throw await this.#notReached();
    if (this.#task.signal?.aborted) await this.#interrupt();
    const { checkpointSeconds } = trainingOf(this.#task);
    if (performance.now() - this.#savedAt > checkpointSeconds * 1000) await this.#save();
  }

  /** Looks at what was asked an interval ago, and asks again. */
  async #consult(step: number, loss: Promise<number>): Promise<void> {
    const [counts, lastLoss] = await Promise.all([this.#counts, this.#loss]);
    this.#loss = loss;
    if (!Number.isFinite(lastLoss)) throw diverged("pep", lastLoss, step - this.#settings.countEvery);
    if (counts.length > 0) await this.#use(counts, step);
    if (this.#position.finished) return;
    if (this.#wantsCount(step)) {
      const levels =
        this.#settings.mode === "scheduled" ? levelsAround(levelAt(this.#position.ramp, step)) : [0];
      this.#counts = this.#counter.ask(levels);
      this.#counts.catch(() => undefined);
    }
    this.#emit({ kind: "progress", what: "search steps", done: step, total: this.#last });
  }

  /** A warm-up needs no counts, but for the first one that the ramp starts from. */
  #wantsCount(step: number): boolean {
    if (this.#settings.mode === "faithful") return true;
    const { steps, warmUp, countEvery } = this.#settings;
    return step + 2 * countEvery > warmUp * steps;
  }

  async #use(counts: Count[], step: number): Promise<void> {
    if (this.#settings.mode === "faithful") return this.#takeFaithful(counts[0]!, step);
    const until = step + this.#settings.countEvery;
    const wanted = shareAt(until, this.#schedule(this.#settings)) * this.#numbers;
    const ramp = nextRamp(this.#position.ramp, step, until, levelFor(counts, wanted));
    this.#position = { ...this.#position, ramp };
  }

  #schedule({ steps, warmUp }: { readonly steps: number; readonly warmUp: number }) {
    return { steps, warmUp, end: this.#goals.at(-1)!.capacity / this.#numbers };
  }

  /** scheduled: masks are taken at steps that are known from the start, each within the one before. */
  async #takeScheduled(step: number): Promise<void> {
    const { model, thresholds, optimizer } = this.#stage;
    const { leastPerRow, mode } = this.#settings;
    if (mode !== "scheduled") return;
    for (;;) {
      const goal = this.#goals[this.#schemes.length];
      if (!goal || step < stepOf(goal.capacity / this.#numbers, this.#schedule(this.#settings))) return;
      const before = this.#schemes.at(-1);
      const within = before && masksOf(before);
      const scheme = await captureBest(model, thresholds, { limit: goal.limit, leastPerRow, within });
      await makeFinal(model, optimizer, scheme);
      await this.#take(goal, scheme, step);
    }
  }

  /** faithful: masks are taken when a count has fallen to what a budget holds. */
  async #takeFaithful({ numbers, filledRows }: Count, step: number): Promise<void> {
    const { model, thresholds } = this.#stage;
    if (this.#settings.mode !== "faithful") return;
    const { fill, leastPerRow } = this.#settings;
    const rows = this.#task.fields.reduce((n, f) => n + f.rows, 0);
    const dim = baseDim(this.#task.model);
    const counted = { rows, dim, filledRows, numbers };
    const bytes = Math.min(...ELEMENT_LAYOUTS.map((layout) => elementBytes(layout, counted)));
    for (;;) {
      const goal = this.#goals[this.#schemes.length];
      if (!goal || (goal.limit.unit === "bytes" ? bytes : numbers) > goal.limit.value) return;
      const scheme = fill
        ? await captureBest(model, thresholds, { limit: goal.limit, leastPerRow })
        : await captureAbove(model, thresholds, goal.limit);
      if (!scheme) return;
      await this.#take(goal, scheme, step);
    }
  }

  async #take({ limit }: Goal, scheme: ElementScheme, step: number): Promise<void> {
    // of numbers that are none no mask means anything
    const [sum] = await this.#stage.model.lossSum.read();
    if (!Number.isFinite(sum)) throw diverged("pep", Number.NaN, step);
    this.#schemes.push(scheme);
    const finished = this.#schemes.length === this.#goals.length;
    this.#position = { ...this.#position, taken: [...this.#position.taken, step], finished };
    this.#emit({ kind: "candidate", budget: limit.text, scheme });
    if (finished) await this.#save();
  }

  #resume(): void {
    const { state, optimizer } = this.#stage;
    const saved = this.#checkpoint.load(this.#task.fields, baseDim(this.#task.model), state);
    this.#position = saved.position;
    this.#schemes.push(...saved.schemes);
    optimizer.step = saved.position.step;
    this.#counts = Promise.resolve(saved.position.counts);
  }

  async #save(): Promise<void> {
    const now = performance.now();
    const seconds = this.#position.seconds + (now - this.#startedAt) / 1000;
    this.#startedAt = now;
    this.#position = { ...this.#position, seconds, counts: await this.#counts };
    await this.#checkpoint.save({ position: this.#position, schemes: this.#schemes }, this.#stage.state);
    this.#savedAt = performance.now();
  }

  async #interrupt(): Promise<never> {
    await this.#save();
    const { path } = this.#checkpoint;
    const hint = path
      ? `; the checkpoint is ${path}, go on with --resume`
      : "; nothing was saved (no run folder)";
    throw new Interrupted(`pep: stopped at step ${this.#position.step}${hint}.`);
  }

  async #notReached(): Promise<BudgetNotReached> {
    const [count] = await this.#counter.ask(this.#settings.mode === "scheduled" ? levelsAround(0) : [0]);
    await this.#save();
    const met = this.#goals.slice(0, this.#schemes.length).map(({ limit }) => limit.text);
    const missing = this.#goals.slice(this.#schemes.length).map(({ limit }) => limit.text);
    const left = ((100 * count!.numbers) / this.#numbers).toFixed(1);
    return new BudgetNotReached(
      `pep: after ${this.#last} steps ${left}% of the numbers are above their thresholds, too many for budget ` +
        `${missing.join(", ")}${met.length > 0 ? ` (met: ${met.join(", ")})` : ""}; raise maxSteps${this.#checkpoint.path ? " (the search goes on where it stands)" : ""}, start nearer to zero, or use mode "scheduled".`,
    );
  }

  #outcome(): PepOutcome {
    const { taken, seconds, step } = this.#position;
    const order = this.#goals.map(({ index }) => index);
    const byIndex = <T>(list: readonly T[]): T[] => order.map((_, index) => list[order.indexOf(index)]!);
    return {
      schemes: byIndex(this.#schemes),
      steps: byIndex(taken),
      secondsPerStep: seconds / Math.max(1, step),
      settings: this.#settings,
    };
  }
}
