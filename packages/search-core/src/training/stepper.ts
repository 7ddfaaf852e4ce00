/**
 * Runs training steps on the device. Steps are queued and nothing waits for them, except that every so many steps the
 * mean loss is asked for, and the loop never runs further ahead than two such askings: queues stay short, an interrupt
 * is quick, and a loss that left the numbers is noticed.
 */
import type { Batch } from "@trimtab/data";
import { type Model, trainStep } from "@trimtab/models";
import type { Device, Optimizer, Tensor } from "@trimtab/tensor-core";
import { diverged } from "../errors.ts";
import { batchFeeds } from "./feeds.ts";
import { LiveProgram } from "./live-program.ts";

/** Work worth about this many seconds is queued between two askings. */
const WANTED_SECONDS = 0.1;
const MOST_STEPS = 64;

export class Stepper {
  /** Mean loss of the last step that was asked about. */
  loss = Number.NaN;
  readonly #device: Device;
  readonly #model: Model;
  readonly #optimizer: Optimizer;
  readonly #seed: number;
  /** By the rows of a batch. */
  readonly #programs = new Map<number, LiveProgram<{ loss: Tensor }>>();
  #asked: Promise<void> = Promise.resolve();
  #sinceAsked = 0;
  #every = 1;
  #askedAt = performance.now();

  constructor(device: Device, model: Model, optimizer: Optimizer, seed: number) {
    this.#device = device;
    this.#model = model;
    this.#optimizer = optimizer;
    this.#seed = seed;
  }

  /** Queues the step of one batch; the batch may be released when this resolves. */
  async step(batch: Batch): Promise<void> {
    const { live } = this.#model.tables;
    await live?.prepare(batch);
    const { program, needs } = await this.#programFor(batch.rows).get();
    const scalars = this.#optimizer.next(needs);
    const { step } = this.#optimizer;
    const extra: Record<string, number> = { ...(scalars as Record<string, number>) };
    if (needs.has("rng.seed")) extra["rng.seed"] = this.#seed >>> 0;
    if (needs.has("rng.step")) extra["rng.step"] = step;
    const feeds = batchFeeds(batch, needs, live ? { ...extra, ...live.feeds(batch, true) } : extra);
    this.#sinceAsked++;
    if (this.#sinceAsked < this.#every) {
      program.run(feeds);
      return;
    }
    const answer = program.fetch(feeds, ["loss"]).then(({ loss }) => {
      this.loss = loss[0]!;
      if (Number.isFinite(this.loss)) return;
      throw diverged("training", this.loss, step);
    });
    // the rejection is taken up at the next asking
    answer.catch(() => undefined);
    await this.#asked;
    this.#asked = answer;
    const now = performance.now();
    const seconds = (now - this.#askedAt) / 1000 / this.#sinceAsked;
    this.#askedAt = now;
    this.#sinceAsked = 0;
    this.#every = Math.max(1, Math.min(MOST_STEPS, Math.round(WANTED_SECONDS / Math.max(seconds, 1e-6))));
  }

  /** Waits until every queued step has run. Throws TrainingDiverged if the loss of any of them left the numbers. */
  async settle(): Promise<void> {
    await this.#asked;
    await this.#device.idle();
    // one that is no number stays in the sum, whichever steps were asked about
    const [sum] = await this.#model.lossSum.read();
    if (!Number.isFinite(sum)) throw diverged("training", Number.NaN, this.#optimizer.step);
    this.#askedAt = performance.now();
    this.#sinceAsked = 0;
  }

  dispose(): void {
    for (const program of this.#programs.values()) program.dispose();
    this.#programs.clear();
  }

  #programFor(rows: number): LiveProgram<{ loss: Tensor }> {
    let program = this.#programs.get(rows);
    if (!program) {
      const parts = () => trainStep(this.#model, this.#optimizer, rows);
      program = new LiveProgram(this.#device, this.#model, parts);
      this.#programs.set(rows, program);
    }
    return program;
  }
}
