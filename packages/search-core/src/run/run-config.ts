/** config.json of a run folder: what fixes the run, with every default filled in. */
import { z } from "zod";
import { trainConfigSchema } from "../training/config.ts";

export const runConfigSchema = z.strictObject({
  version: z.literal(1),
  /** A run has one seed and any number of schemes; a comparison has several methods and seeds. */
  kind: z.enum(["run", "comparison"]),
  /** The command line that made the folder. */
  command: z.string(),
  data: z.strictObject({
    /** Dataset folder, absolute. The hash decides whether a folder is the right one. */
    folder: z.string(),
    name: z.string(),
    hash: z.string(),
    synthetic: z.boolean(),
  }),
  /** The base model's whole configuration; the models package validates it when it builds. */
  model: z.looseObject({ kind: z.string() }),
  train: trainConfigSchema,
  /** The run's seed; for a comparison the first of its seeds. */
  seed: z.int().nonnegative(),
});

export type RunConfig = z.output<typeof runConfigSchema>;

/** What two runs differ in, as lines for people: `train.batch: 4096 here, 512 asked for`. */
export function differences(there: RunConfig, asked: RunConfig): string[] {
  const lines: string[] = [];
  const compare = (place: string, a: unknown, b: unknown) => {
    const plain = (v: unknown): v is Record<string, unknown> =>
      typeof v === "object" && v !== null && !Array.isArray(v);
    if (plain(a) && plain(b)) {
      for (const key of new Set([...Object.keys(a), ...Object.keys(b)]))
        compare(`${place}.${key}`, a[key], b[key]);
    } else if (JSON.stringify(a) !== JSON.stringify(b)) {
      lines.push(
        `${place}: ${JSON.stringify(a) ?? "unset"} there, ${JSON.stringify(b) ?? "unset"} asked for`,
      );
    }
  };
  compare("kind", there.kind, asked.kind);
  compare("data", there.data.hash, asked.data.hash);
  compare("model", there.model, asked.model);
  // how often checkpoints are written does not change a bit of the result
  const { checkpointSeconds: _a, ...thereTrain } = there.train;
  const { checkpointSeconds: _b, ...askedTrain } = asked.train;
  compare("train", thereTrain, askedTrain);
  if (there.kind === "run") compare("seed", there.seed, asked.seed);
  return lines;
}
