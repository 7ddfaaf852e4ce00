/** Scores whole splits with a model: logits of every row, in the order of the data. */
import { type BatchSource, type Columns, createBatchSource, type FieldInfo } from "@trimtab/data";
import { type Model, scoreStep } from "@trimtab/models";
import type { Device, Tensor } from "@trimtab/tensor-core";
import { batchFeeds, padFeeds } from "./feeds.ts";
import { LiveProgram } from "./live-program.ts";

/** Steps that may wait for their logits at once. */
const IN_FLIGHT = 4;

export class Scorer {
  readonly #program: LiveProgram<{ logits: Tensor }>;
  readonly #model: Model;
  readonly #fields: readonly FieldInfo[];
  readonly #batch: number;
  readonly #sources = new Map<Columns, BatchSource>();

  private constructor(
    program: LiveProgram<{ logits: Tensor }>,
    model: Model,
    fields: readonly FieldInfo[],
    batch: number,
  ) {
    this.#program = program;
    this.#model = model;
    this.#fields = fields;
    this.#batch = batch;
  }

  static async make(
    device: Device,
    model: Model,
    fields: readonly FieldInfo[],
    batch: number,
  ): Promise<Scorer> {
    const program = new LiveProgram(device, model, () => scoreStep(model, batch));
    // what cannot be compiled is known at once
    await program.get();
    return new Scorer(program, model, fields, batch);
  }

  /** One logit a row. */
  async logits(columns: Columns): Promise<Float32Array> {
    const { live } = this.#model.tables;
    const { program, needs } = await this.#program.get();
    const out = new Float32Array(columns.rows);
    const source = this.#sourceOf(columns);
    const waiting: Promise<void>[] = [];
    let at = 0;
    for await (const batch of source.epoch(0)) {
      const { rows } = batch;
      const feeds = batchFeeds(batch, needs, live?.feeds(batch, false));
      const full = rows === this.#batch ? feeds : padFeeds(feeds, rows, this.#batch);
      const from = at;
      const done = program.fetch(full, ["logits"]).then(({ logits }) => {
        out.set(logits.subarray(0, rows), from);
      });
      // a rejection is taken up where its turn comes
      done.catch(() => undefined);
      at += rows;
      batch.release();
      waiting.push(done);
      if (waiting.length >= IN_FLIGHT) await waiting.shift();
    }
    await Promise.all(waiting);
    return out;
  }

  async close(): Promise<void> {
    this.#program.dispose();
    for (const source of this.#sources.values()) await source.close();
    this.#sources.clear();
  }

  #sourceOf(columns: Columns): BatchSource {
    let source = this.#sources.get(columns);
    if (!source) {
      source = createBatchSource(columns, {
        fields: this.#fields,
        tables: this.#model.layouts,
        batch: Math.min(this.#batch, columns.rows),
        seed: 0,
        shuffle: false,
        plans: false,
      });
      this.#sources.set(columns, source);
    }
    return source;
  }
}
