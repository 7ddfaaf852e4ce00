/** The command line of the study, and what it comes to for a dataset. */
import { parseArgs } from "node:util";
import type { Dataset } from "@trimtab/data";
import { type ModelConfig, parseModelConfig } from "@trimtab/models";
import { parseConfig, type TrainConfig, trainConfigSchema } from "@trimtab/search-core";
import { fiitedConfigSchema, rowPruningConfigSchema } from "@trimtab/search-fiited";
import { StudyError } from "./errors.ts";

/** What baselines share with `fiited`: total training bytes at the end (steady state), or at the peak. */
export const EQUALS = ["end", "peak"] as const;
export type Equal = (typeof EQUALS)[number];

export interface Typed {
  readonly data: string;
  readonly out: string;
  readonly seeds: readonly number[];
  /** Pruned shares of all chunks, in percent. */
  readonly shares: readonly number[];
  readonly equal: Equal;
  readonly threads: number;
  readonly tables: boolean;
  readonly picture: string | undefined;
  readonly model: Readonly<Record<string, unknown>>;
  readonly train: Readonly<Record<string, unknown>>;
  readonly live: Readonly<Record<string, unknown>>;
  /** Of `fiited` alone. */
  readonly chunks: number | undefined;
}

/** What fixes every number of a study but its seeds and shares: plain JSON, handed to each trial's process. */
export interface Settings {
  readonly data: string;
  readonly dataHash: string;
  readonly model: ModelConfig;
  readonly train: TrainConfig;
  readonly fiited: Readonly<Record<string, unknown>>;
  readonly rowPruning: Readonly<Record<string, unknown>>;
}

export const USAGE = `bun benchmarks/src/chunk-study/main.ts --data FOLDER --model deepfm|dlrm --out runs/chunk-study/NAME
  --seeds 1,2,3  --shares 0,50,65,80,90,95,99  --threads 1
  --equal end|peak           what baselines are given: fiited's total training bytes at the end, or at its peak
  --dim 16 --hidden 64,32 --bottom 64,32 --lr 1e-3 --lookup-l2 0 --std 1e-4 --dropout 0
  --batch 4096 --epochs 20 --patience 2
  --chunks 4 --expected-epochs 10 --candidate-bytes 1048576 --live-peak 0.4      of the live methods
  --tables                   print the tables of what is there, compute nothing
  --picture FILE.svg         with --tables: draw validation AUC over training`;

const text = { type: "string" } as const;

export function readArguments(args: readonly string[]): Typed {
  const { values } = parseArgs({
    args: [...args],
    options: {
      data: text,
      out: text,
      seeds: { ...text, default: "1,2,3" },
      shares: { ...text, default: "0,50,65,80,90,95,99" },
      equal: { ...text, default: "end" },
      threads: { ...text, default: "1" },
      tables: { type: "boolean", default: false },
      picture: text,
      model: text,
      dim: { ...text, default: "16" },
      hidden: { ...text, default: "64,32" },
      bottom: { ...text, default: "64,32" },
      lr: text,
      "lookup-l2": text,
      std: text,
      dropout: text,
      batch: text,
      epochs: text,
      patience: text,
      chunks: text,
      "expected-epochs": text,
      "candidate-bytes": text,
      "live-peak": text,
    },
  });
  const { out, data = "", model = "", equal } = values;
  if (!out) throw new StudyError(`--out FOLDER is missing.\n${USAGE}`);
  if (!values.tables && (data === "" || model === "")) {
    throw new StudyError(`--data and --model are needed to compute.\n${USAGE}`);
  }
  if (model !== "" && model !== "deepfm" && model !== "dlrm") {
    throw new StudyError(`--model ${model}: the study is of deepfm and dlrm.`);
  }
  if (!EQUALS.includes(equal as Equal)) throw new StudyError(`--equal ${equal}: write end or peak.`);
  const shares = numbers("shares", values.shares);
  const wrong = shares.find((share) => !(share >= 0 && share < 100));
  if (wrong !== undefined)
    throw new StudyError(`--shares ${wrong}: a pruned share is from 0 to below 100 percent.`);
  const number = (name: keyof typeof values) => {
    const value = values[name];
    return typeof value === "string" ? numbers(name, value)[0] : undefined;
  };
  const tower = { hidden: numbers("hidden", values.hidden), dropout: number("dropout") };
  const common = { dim: number("dim"), learningRate: number("lr"), std: number("std") };
  return {
    data,
    out,
    seeds: numbers("seeds", values.seeds),
    shares,
    equal: equal as Equal,
    threads: number("threads")!,
    tables: values.tables,
    picture: values.picture,
    model: defined({
      kind: model,
      ...common,
      ...tower,
      ...(model === "dlrm" ? { bottom: numbers("bottom", values.bottom) } : {}),
      // every method of the study trains looked-up rows only, as live tables have to
      tableOptimizer: "rowAdam",
      lookupL2: number("lookup-l2"),
    }),
    train: defined({ batch: number("batch"), epochs: number("epochs"), patience: number("patience") }),
    live: defined({
      expectedEpochs: number("expected-epochs"),
      candidateBytes: number("candidate-bytes"),
      peak: number("live-peak"),
    }),
    chunks: number("chunks"),
  };
}

/** Throws ModelConfigError and ConfigError that name what is wrong. */
export function settingsFor(typed: Typed, data: Dataset): Settings {
  const dense = data.fields.flatMap(({ name, kind }) => (kind === "numeric" ? [name] : []));
  const model = typed.model.kind === "dlrm" ? { ...typed.model, dense } : typed.model;
  const { chunks, live } = typed;
  return {
    data: typed.data,
    dataHash: data.hash,
    model: parseModelConfig(model),
    train: parseConfig(trainConfigSchema, typed.train, "training settings"),
    fiited: parseConfig(fiitedConfigSchema, defined({ ...live, chunks }), "fiited"),
    rowPruning: parseConfig(rowPruningConfigSchema, live, "row-pruning"),
  };
}

function numbers(name: string, list: string): number[] {
  return list.split(",").map((one) => {
    const value = Number(one);
    if (one.trim() !== "" && Number.isFinite(value)) return value;
    throw new StudyError(`--${name} ${list}: "${one}" is not a number.`);
  });
}

function defined(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
