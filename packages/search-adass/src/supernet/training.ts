/**
 * Trains the supernet: a path a batch, drawn by the sampler, until fixed probe paths stop gaining. Steps are queued; the loop waits only for
 * what a block of steps showed, one block later.
 */
import { createHash } from "node:crypto";
import { type Batch, type BatchSource, createBatchSource, Random } from "@trimtab/data";
import {
  batchFeeds,
  Interrupted,
  type SearchEvent,
  type Task,
  type TrainingData,
  TrainingDiverged,
} from "@trimtab/search-core";
import type { Program, Tensor } from "@trimtab/tensor-core";
import type { Evaluator } from "../search/evaluator.ts";
import { type Settings, supernetPart, trainingOf } from "../settings.ts";
import { Checkpoint, type Position, startPosition } from "./checkpoint.ts";
import { probe, probePaths } from "./probes.ts";
import { type Draw, Sampler } from "./sampler.ts";
import { BLOCK, type Stage } from "./stage.ts";
import { measuringStep, trainingStep } from "./step.ts";

/** A stream of random numbers of its own, so that no draw repeats another's. */
const PATHS = 0x5a;
/** Batches that kept moments are the mean of, at most. */
const MEASURED = 16;
/** A gain of the probes counts only above this. */
const LEAST_GAIN = 1e-5;

export interface Supernet {
  readonly sampler: Sampler;
  /** Mean AUC of the probe paths after each epoch, and the epoch whose weights are kept. */
  readonly probes: readonly number[];
  readonly bestEpoch: number;
  readonly steps: number;
  readonly seconds: Position["seconds"];
}

/** What fixes the bits of a supernet. */
export function supernetHash(
  task: Pick<Task, "model" | "seed">,
  dataHash: string,
  settings: Settings,
): string {
  const parts = [dataHash, task.model, task.seed, supernetPart(settings)];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}

/** Leaves the trained supernet's best weights in the stage. Throws Interrupted, TrainingDiverged and what the packages below throw. */
export async function trainSupernet(
  task: Task,
  data: TrainingData,
  settings: Settings,
  stage: Stage,
  evaluator: Evaluator,
  emit: (event: SearchEvent) => void,
): Promise<Supernet> {
  const checkpoint = new Checkpoint(task.folder, supernetHash(task, data.hash, settings));
  const position = task.resume && checkpoint.exists ? checkpoint.load(stage.state) : undefined;
  const run = new SupernetTraining(task, data, settings, stage, evaluator, emit, checkpoint, position);
  return run.run();
}

class SupernetTraining {
  readonly #task: Task;
  readonly #data: TrainingData;
  readonly #settings: Settings;
  readonly #stage: Stage;
  readonly #evaluator: Evaluator;
  readonly #emit: (event: SearchEvent) => void;
  readonly #checkpoint: Checkpoint;
  readonly #sampler: Sampler;
  readonly #perEpoch: number;
  #position: Omit<Position, "sampler" | "block" | "waiting">;
  /** Draws of the running block, and the block before with what it shows. */
  #block: Draw[];
  #waiting: { readonly draws: readonly Draw[]; readonly shown: Promise<ArrayLike<number>> } | undefined;
  #needs: ReadonlySet<string> = new Set();
  #startedAt = performance.now();
  #savedAt = performance.now();

  constructor(
    task: Task,
    data: TrainingData,
    settings: Settings,
    stage: Stage,
    evaluator: Evaluator,
    emit: (event: SearchEvent) => void,
    checkpoint: Checkpoint,
    position: Position | undefined,
  ) {
    this.#task = task;
    this.#data = data;
    this.#settings = settings;
    this.#stage = stage;
    this.#evaluator = evaluator;
    this.#emit = emit;
    this.#checkpoint = checkpoint;
    this.#perEpoch = Math.floor(data.train.rows / settings.batch);
    const { sampler, block, waiting, ...rest } = position ?? {
      ...startPosition(supernetHash(task, data.hash, settings)),
      sampler: undefined,
    };
    this.#position = rest;
    this.#sampler = new Sampler(settings, data.fields.length, sampler);
    this.#block = [...block];
    this.#waiting = waiting ? { draws: waiting.draws, shown: Promise.resolve(waiting.shown) } : undefined;
    stage.optimizer.step = rest.step;
  }

  async run(): Promise<Supernet> {
    if (!this.#position.finished) {
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
      try {
        await this.#train(source);
      } finally {
        // what nobody looks at any more must not fail the process
        await this.#waiting?.shown.then(undefined, () => undefined);
        await source.close();
      }
    }
    const { probes, bestEpoch, step, seconds } = this.#position;
    this.#checkpoint.loadBest(this.#stage.weights, bestEpoch!);
    return { sampler: this.#sampler, probes, bestEpoch: bestEpoch!, steps: step, seconds };
  }

  async #train(source: BatchSource): Promise<void> {
    const { device } = this.#task;
    using program = await trainingStep(device, this.#stage, this.#settings.batch);
    using measuring = await measuringStep(device, this.#stage, this.#settings.batch);
    this.#needs = new Set(program.inputs);
    this.#startedAt = performance.now();
    while (!this.#position.finished) {
      const { epoch, batch: from } = this.#position;
      const batches = source.epoch(epoch, { from });
      for await (const batch of batches) {
        await this.#step(program, batch);
        batch.release();
        if (this.#task.signal?.aborted) await this.#interrupt();
        const { checkpointSeconds } = trainingOf(this.#task);
        if (performance.now() - this.#savedAt > checkpointSeconds * 1000) await this.#save();
      }
      await batches.close();
      await this.#endEpoch(source, measuring);
    }
  }

  async #step(program: Program<{ loss: Tensor }>, batch: Batch): Promise<void> {
    const { optimizer, candidates } = this.#stage;
    const { seed } = this.#task;
    const { step } = this.#position;
    const draw = this.#sampler.draw(
      new Random(seed, PATHS, step),
      step < this.#settings.warmUp * this.#perEpoch,
    );
    const extra: Record<string, number | Uint32Array> = {
      ...(optimizer.next(this.#needs) as Record<string, number>),
      ...candidates.feedsOf(draw, this.#needs),
      "adass.row": step % BLOCK,
    };
    if (this.#needs.has("rng.seed")) extra["rng.seed"] = seed >>> 0;
    if (this.#needs.has("rng.step")) extra["rng.step"] = optimizer.step;
    program.run(batchFeeds(batch, this.#needs, extra));
    this.#block.push(draw);
    this.#position = { ...this.#position, step: step + 1, batch: batch.index + 1 };
    if (this.#block.length === BLOCK) await this.#turn();
  }

  /** Looks at what the block before showed, and asks what this one did. */
  async #turn(): Promise<void> {
    await this.#learn();
    const shown = this.#stage.history.read() as Promise<Float32Array>;
    shown.catch(() => undefined);
    this.#waiting = { draws: this.#block, shown };
    this.#block = [];
    const { step } = this.#position;
    const total = this.#settings.epochs * this.#perEpoch;
    this.#emit({ kind: "progress", what: "supernet steps", done: Math.min(step, total), total });
  }

  async #learn(): Promise<void> {
    if (!this.#waiting) return;
    const { draws, shown } = this.#waiting;
    this.#waiting = undefined;
    const values = await shown;
    const width = this.#data.fields.length + 1;
    for (const [i, draw] of draws.entries()) {
      const [loss, ...importance] = Array.from({ length: width }, (_, j) => values[i * width + j]!);
      if (!Number.isFinite(loss)) {
        throw new TrainingDiverged(
          `adass: the supernet's loss is ${loss} before step ${this.#position.step}; lower the learning rate or look for broken rows.`,
        );
      }
      this.#sampler.tell(draw, loss!, importance);
    }
  }

  async #endEpoch(source: BatchSource, measuring: Program<Record<string, never>> | undefined): Promise<void> {
    await this.#task.device.idle();
    const startedAt = performance.now();
    if (measuring) await this.#measure(source, measuring);
    await this.#evaluator.refresh();
    const { candidates, epochs, patience } = this.#settings;
    const auc = await probe(
      this.#evaluator,
      probePaths(this.#data.fields.length, candidates.length, this.#task.seed),
    );
    const { epoch, probes, bestEpoch, bad: before, seconds } = this.#position;
    const better = bestEpoch === null || auc > probes[bestEpoch]! + LEAST_GAIN;
    if (better) await this.#checkpoint.saveBest(this.#stage.weights, epoch);
    const bad = better ? 0 : before + 1;
    const finished = bad >= patience || epoch + 1 >= epochs;
    if (finished) await this.#learnAll();
    const spent = (performance.now() - startedAt) / 1000;
    this.#startedAt += spent * 1000;
    this.#position = {
      ...this.#position,
      epoch: epoch + 1,
      batch: 0,
      probes: [...probes, auc],
      bestEpoch: better ? epoch : bestEpoch,
      bad,
      seconds: { ...seconds, probes: seconds.probes + spent },
      finished,
    };
    await this.#save();
    if (this.#task.signal?.aborted && !finished) await this.#interrupt();
  }

  /** Everything that was shown, a block that is not full included: importances are wanted up to the last step. */
  async #learnAll(): Promise<void> {
    await this.#learn();
    this.#waiting = { draws: this.#block, shown: this.#stage.history.read() as Promise<Float32Array> };
    this.#block = [];
    await this.#learn();
  }

  /** Moments of every size of every field, over the same training batches each time. */
  async #measure(source: BatchSource, program: Program<Record<string, never>>): Promise<void> {
    const { candidates } = this.#stage;
    const needs = new Set(program.inputs);
    candidates.forgetMoments();
    const first = this.#settings.candidates.findIndex((d) => d > 0);
    const epoch = source.epoch(this.#settings.epochs);
    let done = 0;
    for await (const batch of epoch) {
      for (let k = first; k < this.#settings.candidates.length; k++) {
        const path = this.#data.fields.map(() => k);
        program.run({ ...batchFeeds(batch, needs), ...candidates.feedsOf({ path }, needs) });
      }
      batch.release();
      if (++done >= MEASURED) break;
    }
    await epoch.close();
    await this.#task.device.idle();
  }

  async #save(): Promise<void> {
    const now = performance.now();
    const { seconds } = this.#position;
    this.#position = {
      ...this.#position,
      seconds: { ...seconds, steps: seconds.steps + (now - this.#startedAt) / 1000 },
    };
    this.#startedAt = now;
    const waiting = this.#waiting && {
      draws: this.#waiting.draws.map(plain),
      shown: Array.from(await this.#waiting.shown),
    };
    const position: Position = {
      ...this.#position,
      sampler: this.#sampler.state,
      block: this.#block.map(plain),
      waiting: waiting ?? null,
    };
    await this.#checkpoint.save(position, this.#stage.state);
    this.#savedAt = performance.now();
  }

  async #interrupt(): Promise<never> {
    await this.#save();
    const { folder } = this.#checkpoint;
    const hint = folder
      ? `; the checkpoint is in ${folder}, go on with --resume`
      : "; nothing was saved (no run folder)";
    throw new Interrupted(`adass: stopped at supernet step ${this.#position.step}${hint}.`);
  }
}

function plain({ path, trained }: Draw) {
  return { path: [...path], trained: [...trained] };
}
