import { z } from "zod";
import { BadResultRowError } from "./errors.ts";
import { metricsSchema } from "./metrics.ts";

const text = z.string().min(1);
const count = z.int().nonnegative();

/**
 * One finished run, one line of a results file: everything needed to run it again, and everything it showed. Strict:
 * an unknown key is an error, so that a misspelt one cannot be lost.
 */
export const resultRowSchema = z.strictObject({
  /** Version of this schema. */
  version: z.literal(1),
  /** The command line that made the row, as a person would type it. */
  command: text,
  /** The whole configuration of the run, defaults filled in. */
  config: z.record(z.string(), z.json()),
  /** Name of the dataset, and the hash of its manifest. */
  dataset: text,
  datasetHash: text,
  /** Whether the rows came from the generator. Such numbers are labelled wherever they are shown. */
  synthetic: z.boolean(),
  /** Every seed used, by what it seeded: { model: 7, shuffle: 7 }. */
  seeds: z.record(z.string(), count),
  /** What ran the kernels ("webgpu", "cpu"), and the adapter's or processor's own name. */
  engine: text,
  adapter: text,
  /** Versions; null where the part was not used. */
  versions: z.strictObject({ bun: text, webgpu: text.nullable(), trimtab: text }),
  /** The base model, with what tells it from its siblings: "deepfm 64-32". */
  model: text,
  /** The searcher or baseline that found the scheme: "base", "sseds", "smaller dim". */
  method: text,
  /** The budget as it was given: "10%", "64MiB", "500k parameters"; null for a run without one. */
  budget: text.nullable(),
  /** Metrics of the validation split, by which things were chosen, and of the test split, read once at the end. */
  metrics: z.strictObject({ valid: metricsSchema.nullable(), test: metricsSchema.nullable() }),
  /** Numbers in embedding tables and projections: the scheme's own count. */
  parameters: count,
  /** Bytes of the scheme when serving and when training (optimizer state included), and of the uniform table. */
  bytes: z.strictObject({ serve: count, train: count, uniform: count }),
  /** Wall-clock seconds of each phase: { train: 12.1, search: 0.8, retrain: 9.6 }. */
  seconds: z.record(z.string(), z.number().nonnegative()),
  /** When the run ended, ISO 8601. */
  date: z.iso.datetime({ offset: true }),
});

/** One finished run: one line of a results file. */
export type ResultRow = Readonly<z.infer<typeof resultRowSchema>>;

/**
 * Checks an unknown value against the schema.
 *
 * @param place where the value came from, for the message
 * @throws BadResultRowError with every wrong key
 */
export function parseResultRow(value: unknown, place = "the result row"): ResultRow {
  const parsed = resultRowSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => {
    const path = issue.path.join(".");
    return path === "" ? issue.message : `${path}: ${issue.message}`;
  });
  throw new BadResultRowError(place, problems.join("; "));
}

/** What a row of a comparison stands for: of rows that agree in it, a later one replaces an earlier one. */
export const rowPlace = ({ method, budget, seeds }: ResultRow): string =>
  JSON.stringify([method, budget, seeds.run]);
