/**
 * The one trainer: epochs over shuffled batches, early stop and learning-rate drops by validation AUC, checkpoints, and
 * resumption to the same bits. Searchers and baselines all train through it.
 */
import { type BatchSource, createBatchSource } from "@trimtab/data";
import { evaluate, type Metrics } from "@trimtab/eval";
import { buildModel, type Model } from "@trimtab/models";
import { Optimizer, type Variable } from "@trimtab/tensor-core";
import { parseConfig } from "../config.ts";
import { Interrupted } from "../errors.ts";
import { type TrainConfig, trainConfigSchema } from "./config.ts";
import type { Trained, TrainOptions } from "./contract.ts";
import type { TrainPlace } from "./hooks.ts";
import { runHash, sameBits } from "./identity.ts";
import { Keeper, type Kept } from "./keeper.ts";
import { type Position, startPosition } from "./position.ts";
import { Scorer } from "./scorer.ts";
import { Stepper } from "./stepper.ts";

/** Rates of hundreds of drops would be zero, which no rate is. */
const LEAST_SCALE = 1e-30;

/** Trains a model under a scheme. Throws ConfigError, TrainingDiverged, Interrupted and what the packages below throw. */
export async function train(options: TrainOptions): Promise<Trained> {
  const config = parseConfig(trainConfigSchema, options.config, "training configuration");
  const { device, model, scheme, seed } = options;
  const tables = await options.hooks?.tables?.();
  const run = TrainingRun.over(options, config, await buildModel(device, model, scheme, { seed, tables }));
  try {
    return await run.run();
  } catch (reason) {
    await run.dispose();
    throw reason;
  }
}

class TrainingRun {
  readonly #options: TrainOptions;
  readonly #config: TrainConfig;
  readonly #keeper: Keeper;
  /** Another one from `finish` on, where there is such a hook. */
  #model: Model;
  readonly #optimizer: Optimizer;
  readonly #stepper: Stepper;
  readonly #source: BatchSource;
  readonly #state: Kept;
  #scorer: Scorer | undefined;
  #position: Position;
  #savedAt = performance.now();
  #rowsPerSecond = 0;

  /** Takes the model over, and gives it back disposed if the rest cannot be made (a batch larger than the data, say). */
  static over(options: TrainOptions, config: TrainConfig, model: Model): TrainingRun {
    try {
      return new TrainingRun(options, config, model);
    } catch (reason) {
      model.dispose();
      throw reason;
    }
  }

  private constructor(options: TrainOptions, config: TrainConfig, model: Model) {
    const { device, data, seed } = options;
    this.#options = options;
    this.#config = config;
    const hash = runHash(options, config);
    this.#keeper = new Keeper(options.folder, hash);
    this.#position = startPosition(hash);
    this.#model = model;
    this.#source = createBatchSource(data.train, {
      fields: data.fields,
      tables: this.#model.layouts,
      batch: config.batch,
      seed,
      shuffle: true,
      plans: true,
    });
    try {
      this.#optimizer = new Optimizer(device, model.groups());
    } catch (reason) {
      // it may have a worker of its own
      void this.#source.close();
      throw reason;
    }
    this.#stepper = new Stepper(device, model, this.#optimizer, seed);
    const variables = new Map<string, Variable>([...model.state, ...this.#optimizer.state()]);
    this.#state = { variables, live: model.tables.live };
  }

  get #weights(): Kept {
    return { variables: this.#model.state, live: this.#model.tables.live };
  }

  get #place(): TrainPlace {
    const { step, epoch } = this.#position;
    return { step, epoch };
  }

  async run(): Promise<Trained> {
    const { device, data, hooks } = this.#options;
    this.#scorer = await Scorer.make(device, this.#model, data.fields, this.#config.scoreBatch);
    if (this.#options.resume && this.#keeper.canResume) {
      const { position, more } = await this.#keeper.resume(this.#state);
      this.#position = position;
      hooks?.start?.(this.#model, more);
      this.#optimizer.step = this.#position.step;
      this.#optimizer.learningRateScale = this.#position.learningRateScale;
      this.#tellMove();
    } else {
      await this.#options.prepare?.(this.#model);
      hooks?.start?.(this.#model, undefined);
    }
    while (!this.#position.finished) await this.#epoch();
    await this.#keeper.restoreBest(this.#weights);
    return this.#trained();
  }

  async dispose(): Promise<void> {
    this.#stepper.dispose();
    await this.#source.close();
    await this.#scorer?.close();
    this.#optimizer.dispose();
    this.#model.dispose();
  }

  async #epoch(): Promise<void> {
    const { batch: size, maxSteps } = this.#config;
    const { epoch, batch: from } = this.#position;
    const batches = this.#source.epoch(epoch, { from });
    const startedAt = performance.now();
    let rows = 0;
    let shown = startedAt;
    try {
      for await (const batch of batches) {
        await this.#stepper.step(batch);
        rows += batch.rows;
        batch.release();
        this.#position = { ...this.#position, batch: batch.index + 1, step: this.#optimizer.step };
        await this.#options.hooks?.stepped?.(this.#place);
        const now = performance.now();
        const seconds = (now - startedAt) / 1000;
        if (now - shown > 100) {
          shown = now;
          this.#tell(batches.batches, rows / seconds, size);
        }
        // first: a checkpoint amid an epoch says that there are steps left in it
        if (maxSteps !== undefined && this.#optimizer.step >= maxSteps) break;
        if (this.#options.signal?.aborted) await this.#interrupt(seconds);
        if (now - this.#savedAt > this.#config.checkpointSeconds * 1000) await this.#save(seconds);
      }
    } finally {
      await batches.close();
    }
    await this.#stepper.settle();
    const trainSeconds = (performance.now() - startedAt) / 1000;
    this.#rowsPerSecond = rows / trainSeconds;
    const evaluatedAt = performance.now();
    const metrics = await this.#evaluate();
    await this.#judge(metrics, trainSeconds, (performance.now() - evaluatedAt) / 1000);
  }

  async #evaluate(): Promise<Metrics> {
    const { valid } = this.#options.data;
    const logits = await this.#scorer!.logits(valid);
    return evaluate({ logits, labels: valid.labels, users: valid.users });
  }

  /** After an epoch: better or not, drop the learning rate, stop or go on. */
  async #judge(metrics: Metrics, trainSeconds: number, evaluateSeconds: number): Promise<void> {
    const { epochs, patience, minEpochs = 1, minGain, learningRateDrop, maxSteps } = this.#config;
    const before = this.#position;
    const { epoch, step } = before;
    const counts = this.#options.hooks?.eligible?.(this.#place) ?? true;
    const best = counts && (before.bestAuc === null || metrics.auc > before.bestAuc + minGain);
    const worse = !best && counts && epoch + 1 >= minEpochs;
    const bad = best ? 0 : before.bad + (worse ? 1 : 0);
    if (best) await this.#keeper.saveBest(this.#weights);
    const scale = Math.max(LEAST_SCALE, before.learningRateScale * (worse ? learningRateDrop : 1));
    const outOfSteps = maxSteps !== undefined && step >= maxSteps;
    this.#position = {
      ...before,
      epoch: epoch + 1,
      batch: 0,
      learningRateScale: scale,
      bestAuc: best ? metrics.auc : before.bestAuc,
      bestEpoch: best ? epoch : before.bestEpoch,
      bad,
      history: [
        ...before.history,
        { epoch, auc: metrics.auc, logloss: metrics.logloss, learningRateScale: before.learningRateScale },
      ],
      seconds: {
        train: before.seconds.train + trainSeconds,
        evaluate: before.seconds.evaluate + evaluateSeconds,
      },
      finished: bad >= patience || epoch + 1 >= epochs || outOfSteps,
    };
    this.#optimizer.learningRateScale = scale;
    this.#options.onEvent?.({
      kind: "evaluation",
      epoch,
      auc: metrics.auc,
      logloss: metrics.logloss,
      best,
      learningRateScale: before.learningRateScale,
    });
    await this.#save();
    if (this.#options.signal?.aborted && !this.#position.finished) await this.#interrupt(0);
  }

  #tell(batches: number, rowsPerSecond: number, size: number): void {
    const { epoch, batch } = this.#position;
    this.#options.onEvent?.({
      kind: "step",
      epoch,
      epochs: this.#config.epochs,
      batch,
      batches,
      loss: this.#stepper.loss,
      rowsPerSecond,
      secondsLeft: ((batches - batch) * size) / Math.max(1, rowsPerSecond),
    });
  }

  #tellMove(): void {
    const { device: from, finished } = this.#position;
    const to = sameBits(this.#options.device);
    if (from !== undefined && from !== to && !finished) this.#options.onEvent?.({ kind: "moved", from, to });
  }

  /** `seconds` of the running epoch, which count where the process is killed and its epoch goes on in another. */
  async #save(seconds = 0): Promise<void> {
    const { folder } = this.#options;
    this.#savedAt = performance.now();
    if (!folder) return;
    await this.#stepper.settle();
    const device = sameBits(this.#options.device);
    const spent = { ...this.#position.seconds, train: this.#position.seconds.train + seconds };
    await this.#keeper.saveLatest(
      this.#state,
      { ...this.#position, seconds: spent, device },
      this.#options.hooks?.capture?.(),
    );
    this.#savedAt = performance.now();
    this.#options.onEvent?.({ kind: "checkpoint", folder, step: this.#position.step });
  }

  async #interrupt(seconds: number): Promise<never> {
    await this.#save(seconds);
    const { folder } = this.#options;
    const hint = folder
      ? `; the checkpoint is in ${folder}, go on with --resume`
      : "; nothing was saved (no run folder)";
    throw new Interrupted(`training: stopped at step ${this.#position.step}${hint}.`);
  }

  async #trained(): Promise<Trained> {
    const { history, seconds, bestEpoch, step } = this.#position;
    const { hooks, device, data } = this.#options;
    const trained = this.#model;
    const tableBytes = hooks?.tableBytes?.();
    const tables = tableBytes ?? trained.tables.bytes + trained.trainingBytes;
    const trainBytes = trained.bytes - trained.tables.bytes + tables + this.#optimizer.bytes;
    // the optimizer and the batch worker are of no use to a finished model
    this.#stepper.dispose();
    await this.#source.close();
    this.#optimizer.dispose();
    if (hooks?.finish) {
      this.#model = await hooks.finish(trained);
      await this.#scorer!.close();
      if (this.#model !== trained) trained.dispose();
      this.#scorer = await Scorer.make(device, this.#model, data.fields, this.#config.scoreBatch);
    }
    const scorer = this.#scorer!;
    const model = this.#model;
    const valid = await this.#evaluate();
    return {
      model,
      valid,
      bestEpoch: bestEpoch!,
      epochs: history.length,
      steps: step,
      history,
      seconds,
      rowsPerSecond: this.#rowsPerSecond,
      trainBytes,
      tableBytes,
      score: (columns) => scorer.logits(columns),
      dispose: async () => {
        await scorer.close();
        model.dispose();
      },
    };
  }
}
