/**
 * Scores paths on the frozen supernet. What every size makes of the sample's rows is kept on the device where it fits: a path then costs
 * lookups among it and the rest of the model's forward pass. Else every path goes through the tables, maps and norms again.
 */
import { type Columns, createBatchSource, type FieldInfo } from "@trimtab/data";
import type { TableLayout } from "@trimtab/embeddings";
import { auc } from "@trimtab/eval";
import { batchFeeds, padFeeds } from "@trimtab/search-core";
import type { Device, Feeds, Program, Tensor } from "@trimtab/tensor-core";
import { type Path, pathKey } from "../path.ts";
import type { Stage } from "../supernet/stage.ts";
import { Kept, type KeptWidths, keptRows, layoutOfStage } from "./kept.ts";
import { SampleRows } from "./sample-rows.ts";

export interface EvaluatorOptions {
  readonly device: Device;
  readonly stage: Stage;
  readonly candidates: readonly number[];
  readonly fields: readonly FieldInfo[];
  readonly sample: Columns;
  /** Rows a scoring step. */
  readonly batch: number;
  /** What to keep of the sample's rows; undefined: score from the tables, as is always done where these are more than one buffer. */
  readonly keep?: KeptWidths;
}

/** A few rows of data: what the model is fed beside a path. */
interface Chunk {
  readonly from: number;
  readonly rows: number;
  readonly feeds: Feeds;
}

/** What is kept, and what makes it. */
interface Keeping {
  readonly kept: Kept;
  readonly rows: SampleRows;
  readonly program: Program<{ vectors: Tensor; products?: Tensor }>;
  /** The rows themselves as data. */
  readonly chunks: readonly Chunk[];
}

/** Scoring steps that may wait for their logits at once. */
const IN_FLIGHT = 4;

export class Evaluator {
  readonly #options: EvaluatorOptions;
  readonly #batch: number;
  readonly #chunks: readonly Chunk[];
  readonly #program: Program<{ logits: Tensor }>;
  readonly #needs: ReadonlySet<string>;
  readonly #keeping: Keeping | undefined;
  readonly #known = new Map<string, number>();

  private constructor(
    options: EvaluatorOptions,
    batch: number,
    chunks: readonly Chunk[],
    program: Program<{ logits: Tensor }>,
    keeping: Keeping | undefined,
  ) {
    this.#options = options;
    this.#batch = batch;
    this.#chunks = chunks;
    this.#program = program;
    this.#needs = new Set(program.inputs);
    this.#keeping = keeping;
  }

  static async make(options: EvaluatorOptions): Promise<Evaluator> {
    const { device, stage, sample } = options;
    const batch = Math.min(options.batch, sample.rows);
    using made = new DisposableStack();
    const layout = layoutOfStage(stage.model);
    const keeping = options.keep && layout && (await keepingOf(options, layout, options.keep, made));
    const { logits } = stage.model.forward(
      keeping
        ? { batch, training: false, vectors: (inputs) => keeping.kept.lookup(inputs) }
        : { batch, training: false, transform: stage.candidates.transform("score") },
    );
    const program = made.use(await device.compile({ outputs: { logits } }));
    const evaluator = new Evaluator(options, batch, await chunksOf(options, sample, batch), program, keeping);
    // they are its own now
    made.move();
    return evaluator;
  }

  /** Call it when the supernet has changed: earlier answers and what is kept are of no use then. */
  async refresh(): Promise<void> {
    this.#known.clear();
    if (!this.#keeping) return;
    const { candidates, fields, stage } = this.#options;
    const { kept, rows, program, chunks } = this.#keeping;
    const needs = new Set(program.inputs);
    const first = candidates.findIndex((d) => d > 0);
    for (let k = first; k < candidates.length; k++) {
      const path = stage.candidates.feedsOf({ path: fields.map(() => k) }, needs);
      const own = { vectors: floats(rows.count, kept.vectors), products: floats(rows.count, kept.products) };
      for (const { from, rows: here, feeds } of chunks) {
        const out = await program.fetch({ ...only(feeds, needs), ...path });
        for (const name of ["vectors", "products"] as const) {
          const values = out[name] as Float32Array | undefined;
          if (values) spread(values, own[name], { rows, from, here, width: kept[name]!.shape[1]! });
        }
      }
      for (const name of ["vectors", "products"] as const) {
        kept[name]?.write(own[name], (k - first) * own[name].length);
      }
    }
  }

  /** Logits of the sample under a path. */
  async logits(path: Path): Promise<Float32Array> {
    const { stage, sample } = this.#options;
    const out = new Float32Array(sample.rows);
    const waiting: Promise<void>[] = [];
    for (const { from, rows, feeds } of this.#chunks) {
      const all = {
        ...only(feeds, this.#needs),
        ...stage.candidates.feedsOf({ path }, this.#needs),
        ...(this.#needs.has("adass.places") ? { "adass.places": this.#places(path, from) } : {}),
      };
      waiting.push(
        this.#program.fetch(all, ["logits"]).then(({ logits }) => {
          out.set((logits as Float32Array).subarray(0, rows), from);
        }),
      );
      if (waiting.length >= IN_FLIGHT) await waiting.shift();
    }
    await Promise.all(waiting);
    return out;
  }

  /** AUC of the sample under a path; asked again, it is remembered. */
  async auc(path: Path): Promise<number> {
    const key = pathKey(path);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const value = auc(await this.logits(path), this.#options.sample.labels);
    this.#known.set(key, value);
    return value;
  }

  /** Different paths scored since the last refresh. */
  get scored(): number {
    return this.#known.size;
  }

  dispose(): void {
    this.#program.dispose();
    this.#keeping?.program.dispose();
    this.#keeping?.kept.dispose();
  }

  #places(path: Path, from: number): Uint32Array {
    const { kept, rows } = this.#keeping!;
    const { candidates } = this.#options;
    const first = candidates.findIndex((d) => d > 0);
    return rows.places(path, kept.layout, {
      from,
      batch: this.#batch,
      first,
      sizes: candidates.length - first,
    });
  }
}

async function keepingOf(
  options: EvaluatorOptions,
  layout: TableLayout,
  widths: KeptWidths,
  made: DisposableStack,
): Promise<Keeping> {
  const { device, stage, candidates, fields, sample } = options;
  const most = keptRows(stage.model.scheme.fields, candidates, sample.rows);
  const kept = made.adopt(new Kept(device, stage, layout, { rows: most, widths }), (it) => it.dispose());
  const rows = new SampleRows(sample, fields);
  const columns = rows.columns();
  const batch = Math.min(options.batch, columns.rows);
  let seen: Tensor | undefined;
  const score = stage.candidates.transform("score");
  // built for what passes through the transform alone
  stage.model.forward({
    batch,
    training: false,
    transform: (vectors, origin) => (seen = score(vectors, origin)),
  });
  const program = made.use(await device.compile({ outputs: { ...kept.made(seen!) } }));
  return { kept, rows, program, chunks: await chunksOf(options, columns, batch) };
}

const floats = (rows: number, kept: { readonly shape: readonly number[] } | undefined): Float32Array =>
  new Float32Array(kept ? rows * kept.shape[1]! : 0);

/** From [batch, F, width], row i the i-th row of each field, to [U, width]. */
function spread(
  values: Float32Array,
  out: Float32Array,
  { rows, from, here, width }: { rows: SampleRows; from: number; here: number; width: number },
): void {
  const fields = rows.ids.length;
  rows.ids.forEach((own, f) => {
    for (let i = 0, end = Math.min(here, own.length - from); i < end; i++) {
      const at = (i * fields + f) * width;
      out.set(values.subarray(at, at + width), (rows.starts[f]! + from + i) * width);
    }
  });
}

async function chunksOf(
  { stage, fields }: EvaluatorOptions,
  columns: Columns,
  batch: number,
): Promise<readonly Chunk[]> {
  const source = createBatchSource(columns, {
    fields,
    tables: stage.model.layouts,
    batch,
    seed: 0,
    shuffle: false,
    plans: false,
    worker: false,
  });
  const chunks: Chunk[] = [];
  try {
    for await (const each of source.epoch(0)) {
      const names = new Set(each.tables.flatMap(({ name }) => [`${name}.ids`, `${name}.weights`]));
      chunks.push({
        from: chunks.reduce((n, c) => n + c.rows, 0),
        rows: each.rows,
        // copies: they outlive the batch
        feeds: padFeeds(batchFeeds(each, names), each.rows, batch),
      });
      each.release();
    }
  } finally {
    await source.close();
  }
  return chunks;
}

function only(feeds: Feeds, needs: ReadonlySet<string>): Feeds {
  return Object.fromEntries(Object.entries(feeds).filter(([name]) => needs.has(name)));
}
