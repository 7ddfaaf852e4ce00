/** From options and a configuration file to the settings of a run: the file first, what was typed over it. */
import { existsSync, readFileSync } from "node:fs";
import type { FieldInfo } from "@trimtab/data";
import { type ModelConfig, modelTakes, parseModelConfig } from "@trimtab/models";
import { parseConfig, type TrainConfig, trainConfigSchema } from "@trimtab/search-core";
import { type Command, InvalidArgumentError, Option } from "commander";
import { z } from "zod";
import { UsageError } from "./errors.ts";
import { list, number, whole, wholes } from "./options.ts";

/** Kinds as they are typed, and as the models package calls them. */
const KINDS: Record<string, ModelConfig["kind"]> = {
  lr: "lr",
  fm: "fm",
  dnn: "dnn",
  widedeep: "wideDeep",
  deepfm: "deepfm",
  dlrm: "dlrm",
};
const DEFAULT_DIM = 16;

export interface Settings {
  readonly model: ModelConfig;
  readonly train: TrainConfig;
  readonly seed: number;
  /** What was said of DLRM's bottom tower: which fields it reads, and its layers. */
  readonly said: { readonly dense: boolean; readonly bottom: boolean };
}

/** What the options below parse to; each is undefined unless it was typed. */
export interface SettingsOptions {
  readonly config?: string;
  readonly seed?: number;
  readonly model?: string;
  /** Kinds of all base models, where there are several: options that one of them lacks are for the others. */
  readonly among?: readonly string[];
  readonly dim?: number;
  readonly hidden?: number[];
  readonly bottom?: number[];
  /** false: --no-dense. */
  readonly dense?: string[] | false;
  readonly lr?: number;
  readonly optimizer?: string;
  readonly tableOptimizer?: string;
  readonly dropout?: number;
  readonly batchNorm?: boolean;
  readonly tableL2?: number;
  readonly lookupL2?: number;
  readonly linearL2?: number;
  readonly std?: number;
  readonly batch?: number;
  readonly epochs?: number;
  readonly patience?: number;
  readonly minEpochs?: number;
  readonly lrDrop?: number;
  readonly checkpointSeconds?: number;
  readonly maxSteps?: number;
}

/** `several`: a verb that takes one base model or more. */
export function addModelOptions(command: Command, { several = false } = {}): Command {
  const positive = number(0, { above: true });
  const kinds = Object.keys(KINDS);
  const model = several
    ? new Option(
        "--model <kinds>",
        `the base model, or several between commas, of ${kinds.join(", ")}`,
      ).argParser((text) => {
        const unknown = list(text).find((kind) => !kinds.includes(kind));
        if (unknown === undefined) return list(text);
        throw new InvalidArgumentError(`"${unknown}" is none of ${kinds.join(", ")}.`);
      })
    : new Option("--model <kind>", "the base model").choices(kinds);
  return command
    .addOption(model)
    .option("--dim <n>", `numbers in an embedding vector (default: ${DEFAULT_DIM})`, whole(1))
    .option("--hidden <sizes>", "layers of the tower, of DLRM the top one (default: 64,32)", wholes(1))
    .option(
      "--bottom <sizes>",
      "layers of DLRM's bottom tower before its last, which is --dim wide; for example --model dlrm --bottom 64,32 (default: 64,32)",
      wholes(1),
    )
    .option(
      "--dense <fields>",
      "fields whose embeddings DLRM's bottom tower reads (default: the numeric ones; without any there is no bottom tower)",
      list,
    )
    .option("--no-dense", "DLRM without a bottom tower")
    .option("--lr <rate>", "learning rate (default: 0.001)", positive)
    .addOption(
      new Option("--optimizer <name>", "for all but tables (default: adam)").choices([
        "adam",
        "adagrad",
        "sgd",
      ]),
    )
    .addOption(
      new Option(
        "--table-optimizer <name>",
        "for tables; row... moves looked-up rows only (default: adam)",
      ).choices(["adam", "adagrad", "sgd", "rowAdam", "rowAdagrad", "rowSgd"]),
    )
    .option("--dropout <share>", "share of a layer's outputs dropped in training", number(0))
    .option("--batch-norm", "batch normalisation in the tower")
    .option("--table-l2 <weight>", "L2 over whole tables, every step", number(0))
    .option("--lookup-l2 <weight>", "L2 over looked-up rows (with row optimizers)", number(0))
    .option("--linear-l2 <weight>", "L2 of first-order weights (default: that of tables)", number(0))
    .option("--std <sd>", "spread of the tables' first values", positive);
}

export function addTrainOptions(command: Command): Command {
  return command
    .option("--batch <rows>", "rows a step (default: 4096)", whole(1))
    .option("--epochs <n>", "epochs at most (default: 20)", whole(1))
    .option(
      "--patience <n>",
      "stop after so many epochs without a better validation AUC (default: 2)",
      whole(1),
    )
    .option(
      "--min-epochs <n>",
      "neither stop nor lower the learning rate before so many epochs (default: 1)",
      whole(1),
    )
    .option(
      "--lr-drop <factor>",
      "multiplies the learning rate after an epoch without gain (default: 0.1)",
      number(0),
    )
    .option(
      "--checkpoint-seconds <s>",
      "seconds between checkpoints inside an epoch (default: 30)",
      number(0),
    )
    .option("--max-steps <n>", "stop after so many steps", whole(1))
    .option(
      "--config <file>",
      "JSON file with the same settings: {model, train, seed, methods, searchers}; for compare also a study, with data, models, cells, budgets and seeds (docs/guide.md)",
    );
}

const fileSchema = z.strictObject({
  model: z.looseObject({ kind: z.string().optional() }).default({}),
  train: z.record(z.string(), z.json()).default({}),
  seed: z.int().nonnegative().optional(),
  methods: z.record(z.string(), z.record(z.string(), z.json())).default({}),
  searchers: z.array(z.string()).default([]),
});

/** Settings of an earlier run, which options go over. */
export interface Ground {
  readonly model: Readonly<Record<string, unknown>>;
  readonly train: Readonly<Record<string, unknown>>;
  readonly seed: number;
  /** Where they come from, for errors; undefined: the run itself. */
  readonly source?: string;
}

/** Throws UsageError, ConfigError and ModelConfigError that name the option or the key. */
export function readSettings(options: SettingsOptions, ground?: Ground): Settings {
  const file = readConfigFile(options.config);
  const typed = defined({
    kind: options.model === undefined ? undefined : KINDS[options.model],
    dim: options.dim,
    hidden: options.hidden,
    bottom: options.bottom,
    dense: options.dense === false ? [] : options.dense,
    learningRate: options.lr,
    optimizer: options.optimizer,
    tableOptimizer: options.tableOptimizer,
    dropout: options.dropout,
    batchNorm: options.batchNorm,
    tableL2: options.tableL2,
    lookupL2: options.lookupL2,
    linearL2: options.linearL2,
    std: options.std,
  });
  const wanted: Record<string, unknown> = {
    ...withKind(ground?.model ?? {}),
    ...withKind(file.model),
  };
  const among = options.among?.map((kind) => KINDS[kind.toLowerCase()] ?? kind) ?? [];
  for (const [key, value] of Object.entries(typed)) {
    const lacks = key !== "kind" && !modelTakes(String(wanted.kind), key);
    if (!lacks || !among.some((kind) => modelTakes(kind, key))) wanted[key] = value;
  }
  if (wanted.kind === undefined) {
    throw new UsageError(`no model was named; give --model (one of ${Object.keys(KINDS).join(", ")}).`);
  }
  if (wanted.kind !== "lr") wanted.dim ??= DEFAULT_DIM;
  const steps = defined({
    batch: options.batch,
    epochs: options.epochs,
    patience: options.patience,
    minEpochs: options.minEpochs,
    learningRateDrop: options.lrDrop,
    checkpointSeconds: options.checkpointSeconds,
    maxSteps: options.maxSteps,
  });
  const whence = options.config ?? ground?.source;
  const source = whence ? `${whence} with the options typed` : "the options typed";
  return {
    model: parseModelConfig(wanted, `model "${String(wanted.kind)}" from ${source}`),
    train: parseConfig(
      trainConfigSchema,
      { ...ground?.train, ...file.train, ...steps },
      `training settings from ${source}`,
    ),
    seed: options.seed ?? file.seed ?? ground?.seed ?? 1,
    said: {
      dense: wanted.dense !== undefined,
      bottom: options.bottom !== undefined || file.model.bottom !== undefined,
    },
  };
}

/** Settings of a DLRM for these data: where nothing else was said its bottom tower reads the numeric fields. Throws UsageError. */
export function forFields<S extends Settings>(settings: S, fields: readonly FieldInfo[]): S {
  const { model, said } = settings;
  if (model.kind !== "dlrm") return settings;
  const numeric = fields.filter(({ kind }) => kind === "numeric").map(({ name }) => name);
  const dense = said.dense ? model.dense : numeric;
  const unknown = dense.find((name) => !fields.some((field) => field.name === name));
  if (unknown !== undefined) {
    throw new UsageError(
      `--dense: there is no field "${unknown}"; the fields are ${fields.map(({ name }) => name).join(", ")}.`,
    );
  }
  if (said.bottom && dense.length === 0) {
    throw new UsageError(
      "--bottom: the bottom tower has nothing to read, since the data has no numeric field; name fields with --dense, or leave --bottom out.",
    );
  }
  return { ...settings, model: { ...model, dense } };
}

/** What a file says of searchers. */
export interface SearcherSettings {
  /** Configurations by name; one with `use` makes its name a label. */
  readonly methods: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Modules from outside, paths seen from the file. */
  readonly searchers: readonly string[];
}

/** The seed of a configuration file, if it names one. */
export function seedOf(path: string | undefined): number | undefined {
  return readConfigFile(path).seed;
}

export function readSearcherSettings(path: string | undefined): SearcherSettings {
  return readConfigFile(path);
}

function readConfigFile(path: string | undefined): z.output<typeof fileSchema> {
  if (path === undefined) return fileSchema.parse({});
  if (!existsSync(path)) throw new UsageError(`--config ${path}: there is no such file; check the path.`);
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, "utf8"));
  } catch (reason) {
    throw new UsageError(`--config ${path}: is not JSON (${(reason as Error).message}); mend the file.`);
  }
  return parseConfig(fileSchema, json, path);
}

function withKind(model: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { kind } = model;
  return typeof kind === "string" ? { ...model, kind: KINDS[kind.toLowerCase()] ?? kind } : model;
}

function defined(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
