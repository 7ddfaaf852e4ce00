// Writes a planted log of any size, streamed, with the truth and a schema beside it.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { z } from "zod";
import { GenerateError, StoppedError } from "../errors.ts";
import type { Manifest } from "../manifest.ts";
import { writeFolder } from "../prepare/folder.ts";
import { type PrepareOptions, type PrepareProgress, prepare } from "../prepare/prepare.ts";
import type { LogSchemaInput } from "../schema.ts";
import { fieldsOfSize } from "./sizes.ts";
import {
  defaultFields,
  defaultStrength,
  LATENT,
  type PlantedField,
  PlantedLog,
  type Strength,
} from "./truth.ts";
import { TIME, timeAt, writeCsv, writeParquet } from "./writers.ts";

/** Options of {@link generate}. */
export interface GenerateOptions {
  rows: number;
  seed: number;
  /** The folder to write: log.csv or log.parquet, schema.json, truth.json. */
  out: string;
  /** Default: ten fields of 7 to 5,000 values with intrinsic dims 0, 1, 2, 4 and 8. */
  fields?: readonly PlantedField[];
  /** Default "csv". */
  format?: "csv" | "parquet";
  /** The same fields with so many values in all; the large ones grow, see {@link fieldsOfSize}. */
  features?: number;
  /**
   * How fast popularity drifts: over the whole log, the number of times that the value at each popularity rank of a large field (1,000
   * values or more) gives way to a new one. 0 (default): never, and the log is what it was without this option, byte for byte. Above 0 the
   * rows are in time order with a column `time` (Unix seconds, 30 days in all), and the schema splits by time, 80/10/10. At every
   * moment ranks follow the field's Zipf law; handing on is gradual (half of a value's time at most), each rank has moments of its own, and
   * no value comes back, so that 1 to 1 + 1.5 x drift of a rank's values are seen in all. The number of values counts all of them, those
   * popular at one moment are fewer. Small fields, and what values mean (vectors, first-order terms), do not change with time. At most 100.
   */
  drift?: number;
  strength?: Partial<Strength>;
  overwrite?: boolean;
  signal?: AbortSignal;
}

const truthSchema = z.strictObject({
  synthetic: z.literal(true),
  generator: z.literal("trimtab planted truth 1"),
  rows: z.int(),
  seed: z.int(),
  latent: z.int(),
  strength: z.strictObject({
    pairs: z.number(),
    firstOrder: z.number(),
    noise: z.number(),
    baseRate: z.number(),
  }),
  /** Absent where popularity does not drift. */
  drift: z.number().positive().optional(),
  clickRate: z.number(),
  /** AUC of the true logit, before noise, on the log's first rows: no model can do better but by chance. */
  ceilingAuc: z.number(),
  fields: z.array(
    z.strictObject({
      name: z.string(),
      values: z.int(),
      zipf: z.number(),
      importance: z.number(),
      dim: z.int(),
      /** Share of the logit's variance its terms take part in; shares overlap and may sum above 1. */
      varianceShare: z.number(),
    }),
  ),
});

/** truth.json: what was planted. */
export type Truth = z.output<typeof truthSchema>;

/** Reads a truth.json. @throws GenerateError when it is not one */
export function parseTruth(json: unknown): Truth {
  const parsed = truthSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new GenerateError(
    `truth.json is not valid (${issue?.path.join(".")}: ${issue?.message})`,
    "Generate again",
  );
}

const CEILING_ROWS = 200_000;

/**
 * Writes a synthetic click log with a planted truth. The same options give the same rows, byte for byte (csv).
 * Memory is bounded by the fields' values, not by the rows.
 * @throws GenerateError, OutputExistsError, StoppedError
 */
export async function generate(
  options: GenerateOptions,
  onProgress: (share: number) => void = () => {},
): Promise<Truth> {
  const { rows, seed, format = "csv" } = options;
  if (!Number.isInteger(rows) || rows < 1)
    throw new GenerateError(`rows is ${rows}`, "Give a whole number from 1 up");
  if (!Number.isInteger(seed) || seed < 0)
    throw new GenerateError(`seed is ${seed}`, "Give a whole number from 0 up");
  const strength = { ...defaultStrength, ...options.strength };
  if (!(strength.baseRate > 0 && strength.baseRate < 1)) {
    throw new GenerateError(`baseRate is ${strength.baseRate}`, "Give a number between 0 and 1");
  }
  const { features, drift = 0, fields = defaultFields } = options;
  const sized = features === undefined ? fields : fieldsOfSize(fields, features);
  const log = new PlantedLog(sized, strength, seed, drift);
  const drifts = drift > 0;
  if (drifts && sized.some((field) => field.name === TIME)) {
    throw new GenerateError(
      `field "${TIME}": a log that drifts has a column of this name`,
      "Rename the field",
    );
  }
  return writeFolder(options.out, { overwrite: options.overwrite, marker: "truth.json" }, async (folder) => {
    const tally = new Tally(Math.min(rows, CEILING_ROWS));
    const next = (row: number): 0 | 1 => {
      const label = log.next(row / rows);
      tally.add(label, log.logit);
      return label;
    };
    const timeOf = drifts ? (row: number) => timeAt(row / rows) : undefined;
    const check = (done: number): void => {
      if (options.signal?.aborted)
        throw new StoppedError("stopped before the end", "Nothing half-written was left");
      onProgress(done / rows);
    };
    if (format === "csv") await writeCsv(join(folder, "log.csv"), log, rows, next, timeOf, check);
    else await writeParquet(folder, log, rows, next, timeOf, check);
    const truth: Truth = {
      synthetic: true,
      generator: "trimtab planted truth 1",
      rows,
      seed,
      latent: LATENT,
      strength,
      ...(drifts ? { drift } : {}),
      clickRate: tally.positives / rows,
      ceilingAuc: tally.auc(),
      fields: log.fields.map((field, f) => ({ ...field, varianceShare: log.varianceShare[f] as number })),
    };
    const schema: LogSchemaInput = {
      name: basename(resolve(options.out)),
      files: `log.${format}`,
      label: "click",
      ...(log.fields.some((field) => field.name === "user") ? { user: "user" } : {}),
      fields: log.fields.map((field) => ({ name: field.name })),
      ...(drifts ? { time: TIME } : {}),
      split: { by: drifts ? "time" : "random", shares: [0.8, 0.1, 0.1] },
    };
    await writeFile(join(folder, "schema.json"), `${JSON.stringify(schema, null, 2)}\n`);
    await writeFile(join(folder, "truth.json"), `${JSON.stringify(truth, null, 2)}\n`);
    return truth;
  });
}

/** Options of {@link generateDataset}: the log's, and those of preparing it. `out` is the dataset folder. */
export interface GenerateDatasetOptions
  extends Omit<GenerateOptions, "format">,
    Pick<PrepareOptions, "minCount" | "split" | "memoryLimit" | "threads"> {}

/** A generated log straight into a dataset folder, labelled synthetic, with its truth.json. */
export async function generateDataset(
  options: GenerateDatasetOptions,
  onProgress: (progress: PrepareProgress | { phase: "generate"; share: number }) => void = () => {},
): Promise<{ manifest: Manifest; truth: Truth }> {
  const { out, rows, seed, fields, features, drift, strength, overwrite, signal, ...rest } = options;
  const path = resolve(out);
  const stem = basename(path).replace(/\.trimtab$/, "");
  // Named like any temporary folder of the target, so that a later run cleans it up should this one be killed.
  const scratch = await mkdtemp(join(dirname(path), `${basename(path)}.tmp-log`)).catch(() => {
    throw new GenerateError(`there is no folder ${dirname(path)} to write to`, "Make it first", {
      file: out,
    });
  });
  try {
    const log = join(scratch, stem);
    const planted: GenerateOptions = { rows, seed, out: log, format: "parquet" };
    if (fields) planted.fields = fields;
    if (features !== undefined) planted.features = features;
    if (drift !== undefined) planted.drift = drift;
    if (strength) planted.strength = strength;
    if (signal) planted.signal = signal;
    const truth = await generate(planted, (share) => onProgress({ phase: "generate", share }));
    const prepareOptions: PrepareOptions = { out, seed, ...rest };
    if (overwrite !== undefined) prepareOptions.overwrite = overwrite;
    if (signal) prepareOptions.signal = signal;
    return { manifest: await prepare(log, prepareOptions, onProgress), truth };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

// Counts clicks, and ranks the first rows by their true logit for the ceiling.
class Tally {
  positives = 0;
  #rows = 0;
  readonly #scores: Float64Array;
  readonly #labels: Uint8Array;
  constructor(readonly kept: number) {
    this.#scores = new Float64Array(kept);
    this.#labels = new Uint8Array(kept);
  }
  add(label: 0 | 1, score: number): void {
    this.positives += label;
    if (this.#rows < this.kept) {
      this.#scores[this.#rows] = score;
      this.#labels[this.#rows] = label;
    }
    this.#rows++;
  }
  /** Mann-Whitney; scores are sums of normals, so ties do not matter. 0.5 when there is one class only. */
  auc(): number {
    const order = Uint32Array.from({ length: this.kept }, (_, i) => i);
    order.sort((a, b) => (this.#scores[a] as number) - (this.#scores[b] as number));
    let ranks = 0;
    let ones = 0;
    order.forEach((row, rank) => {
      if (this.#labels[row] === 1) {
        ranks += rank + 1;
        ones++;
      }
    });
    const zeros = this.kept - ones;
    return ones === 0 || zeros === 0 ? 0.5 : (ranks - (ones * (ones + 1)) / 2) / (ones * zeros);
  }
}
