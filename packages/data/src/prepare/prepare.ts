// A log becomes a dataset folder: stage, vocabularies, encode, check, rename.

import { copyFile, mkdir, rm, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { Duck } from "../duck.ts";
import { SchemaError } from "../errors.ts";
import {
  type FieldManifest,
  hashOf,
  MANIFEST,
  type Manifest,
  manifestSchema,
  type SplitName,
  splitNames,
  VERSION,
} from "../manifest.ts";
import { type LogSchemaInput, parseSchema, type SplitRuleInput } from "../schema.ts";
import { sha256Of } from "../source/files.ts";
import { checkSplits, inspectSplit, type SplitFacts, writeSplit, writeVocabulary } from "./encode.ts";
import { checkTarget, writeFolder } from "./folder.ts";
import { leakWarnings } from "./leaks.ts";
import { type Job, resolveJob } from "./resolve.ts";
import { type Staged, stage } from "./stage.ts";
import { buildVocabulary, type Vocabulary, vocabularyWarnings } from "./vocabulary.ts";

/** Where prepare is: a phase, and the share of it that is done (0 to 1). */
export interface PrepareProgress {
  phase: "hash" | "read" | "derive" | "vocabulary" | "encode" | "check";
  share: number;
  /** For people: a file, a field or a split. */
  detail?: string;
}

/** Options of {@link prepare}. */
export interface PrepareOptions {
  /** The dataset folder to write, by custom NAME.trimtab. */
  out: string;
  /** A schema file, or a schema. Default: SOURCE.schema.json or schema.json beside the source, else a recipe that knows the folder. */
  schema?: string | LogSchemaInput;
  /** Name of a recipe, instead of recognising the folder by its files. */
  recipe?: string;
  /** For random and hash splits. Default 1. */
  seed?: number;
  /** Overrides the schema's and every field's minimum count. */
  minCount?: number;
  /** Overrides the schema's split. */
  split?: SplitRuleInput;
  /** Replace a dataset folder that is there. Default false. */
  overwrite?: boolean;
  /** DuckDB's memory limit; more is spilled beside the output. Default "1GB". */
  memoryLimit?: string;
  threads?: number;
  /** Stops the work; nothing half-written is left. */
  signal?: AbortSignal;
}

/**
 * Reads a click log and writes a dataset folder: Parquet per split with per-field ids, vocabularies, manifest.json.
 * Streams through DuckDB, so the log may be larger than memory. The folder appears whole or not at all.
 * @param source a file, or a folder with a schema.json or the files of a recipe
 * @throws MissingFileError, EmptyFileError, BrokenRowError, LabelError, ValueError, SchemaError, UnknownSourceError,
 *   EmptySplitError, OneClassError, OutputExistsError, ResourceError, StoppedError
 */
export async function prepare(
  source: string,
  options: PrepareOptions,
  onProgress: (progress: PrepareProgress) => void = () => {},
): Promise<Manifest> {
  const { seed = 1, minCount } = options;
  if (!Number.isInteger(seed) || seed < 0)
    throw new SchemaError(`seed is ${seed}`, "Give a whole number from 0 up");
  if (minCount !== undefined && (!Number.isInteger(minCount) || minCount < 1)) {
    throw new SchemaError(`minCount is ${minCount}`, "Give a whole number from 1 up");
  }
  const job = await resolveJob(source, options);
  if (options.split) job.schema = parseSchema({ ...job.schema, split: options.split });
  await checkTarget(options.out, options.overwrite ?? false, MANIFEST);
  return writeFolder(options.out, { overwrite: options.overwrite, marker: MANIFEST }, async (folder) => {
    const work = join(folder, "work");
    const duck = await Duck.open({
      folder: work,
      memoryLimit: options.memoryLimit ?? "1GB",
      ...(options.threads ? { threads: options.threads } : {}),
      signal: options.signal,
    });
    let manifest: Manifest;
    try {
      manifest = await write(duck, job, folder, seed, minCount, onProgress);
    } finally {
      duck.close();
    }
    await rm(work, { recursive: true, force: true });
    await writeFile(join(folder, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
    return manifest;
  });
}

async function write(
  duck: Duck,
  job: Job,
  folder: string,
  seed: number,
  minCount: number | undefined,
  onProgress: (progress: PrepareProgress) => void,
): Promise<Manifest> {
  const { schema } = job;
  const report =
    (phase: PrepareProgress["phase"], detail?: string) =>
    (share: number): void =>
      onProgress(detail === undefined ? { phase, share } : { phase, share, detail });

  const staged = await stage(duck, job, seed, { read: report("read"), derive: report("derive") });
  await checkSplits(duck, staged.split.manifest.by);
  const { warnings } = staged;
  const trainRows = (await duck.row<{ n: number }>("SELECT count(*) AS n FROM log WHERE split = 0")).n;

  await mkdir(join(folder, "vocabulary"));
  const files: string[] = [];
  const vocabularies: Vocabulary[] = [];
  for (const [k, field] of schema.fields.entries()) {
    report("vocabulary", field.name)(k / schema.fields.length);
    const vocabulary = await buildVocabulary(duck, schema, k, minCount);
    vocabularies.push(vocabulary);
    warnings.push(...vocabularyWarnings(vocabulary, trainRows));
    const file = vocabularyFile(k, field.name);
    await writeVocabulary(duck, vocabulary, join(folder, file));
    files.push(file);
  }
  let users = 0;
  if (schema.user !== undefined) {
    // Every user gets a number, not only those in the vocabulary: per-user metrics must not merge the rare ones.
    await duck.run(
      "CREATE TABLE users AS SELECT CAST(row_number() OVER (ORDER BY u) - 1 AS UINTEGER) AS id, u AS value FROM (SELECT DISTINCT u FROM log)",
    );
    users = (await duck.row<{ n: number }>("SELECT count(*) AS n FROM users")).n;
  }

  const fields = vocabularies.map(({ field, rows, slots }) => ({
    name: field.name,
    kind: field.kind,
    rows,
    slots,
  }));
  const facts = {} as Record<SplitName, SplitFacts>;
  for (const [s, split] of splitNames.entries()) {
    const file = `${split}.parquet`;
    const share = (done: number): void => report("encode", split)((s + done) / splitNames.length);
    await writeSplit(duck, vocabularies, schema.user !== undefined, split, join(folder, file), share);
    files.push(file);
  }
  for (const [s, split] of splitNames.entries()) {
    report("check", split)(s / splitNames.length);
    facts[split] = await inspectSplit(duck, folder, { file: `${split}.parquet`, users: users > 0, fields });
  }
  warnings.push(
    ...(await leakWarnings(duck, vocabularies, join(folder, "train.parquet"), join(folder, "valid.parquet"))),
  );
  if (job.truth) {
    await copyFile(job.truth, join(folder, "truth.json"));
    files.push("truth.json");
  }

  const sources: Manifest["sources"] = [];
  for (const [t, table] of staged.tables.entries()) {
    report("hash", basename(table.file))(t / staged.tables.length);
    const { file, bytes, rows } = table;
    sources.push({ file: basename(file), bytes, sha256: await sha256Of(file), rows });
  }
  for (const { file } of schema.join) {
    const path = join(job.folder, file);
    sources.push({ file, bytes: (await stat(path)).size, sha256: await sha256Of(path), rows: 0 });
  }
  const listed: Manifest["files"] = [];
  for (const file of files) {
    const path = join(folder, file);
    listed.push({ file, bytes: (await stat(path)).size, sha256: await sha256Of(path) });
  }
  const body: Omit<Manifest, "hash"> = {
    format: "trimtab-dataset",
    version: VERSION,
    name: job.name,
    synthetic: job.truth !== undefined,
    created: new Date().toISOString(),
    label: labelOf(staged, schema.label),
    ...(schema.user === undefined ? {} : { user: { column: schema.user, count: users } }),
    fields: vocabularies.map((vocabulary) => fieldOf(vocabulary, facts)),
    split: staged.split.manifest,
    splits: {
      train: splitOf("train", facts),
      valid: splitOf("valid", facts),
      test: splitOf("test", facts),
    },
    sources,
    files: listed,
    warnings,
  };
  report("check")(1);
  return manifestSchema.parse({ ...body, hash: hashOf(body) });
}

// Field names may hold anything; file names should not.
function vocabularyFile(index: number, field: string): string {
  const safe = field.replace(/[^A-Za-z0-9_-]+/g, "_").slice(0, 40);
  return `vocabulary/${String(index).padStart(3, "0")}-${safe}.parquet`;
}

function labelOf({ label }: Staged, written: string): Manifest["label"] {
  return label.test ? { column: label.column, rule: written } : { column: label.column };
}

function splitOf(split: SplitName, facts: Record<SplitName, SplitFacts>): Manifest["splits"]["train"] {
  const { rows, positives, contents } = facts[split];
  return { file: `${split}.parquet`, rows, positives, contents };
}

function fieldOf(vocabulary: Vocabulary, facts: Record<SplitName, SplitFacts>): FieldManifest {
  const { field, index, rows, slots, minCount, distinct, missing } = vocabulary;
  const rare = (split: SplitName): number => facts[split].outOfVocabulary[index] as number;
  const manifest: FieldManifest = {
    name: field.name,
    column: field.column ?? field.name,
    kind: field.kind,
    rows,
    slots,
    minCount,
    distinct,
    missing,
    outOfVocabulary: { train: rare("train"), valid: rare("valid"), test: rare("test") },
    vocabulary: vocabularyFile(index, field.name),
  };
  if (vocabulary.buckets) manifest.buckets = vocabulary.buckets;
  if (field.kind === "multi") {
    manifest.separator = field.separator;
    manifest.truncatedRows = vocabulary.truncatedRows ?? 0;
  }
  if (field.derive) manifest.derived = field.derive;
  if (field.extract) manifest.derived = field.extract;
  return manifest;
}
