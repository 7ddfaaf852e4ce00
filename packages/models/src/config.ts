/** Model configurations: plain data, checked strictly. The functions `lr`, `fm`, ... fill in the defaults. */
import { DEFAULT_STD } from "@trimtab/embeddings";
import { z } from "zod";
import { ModelConfigError } from "./errors.ts";

const share = z.number().min(0).lt(1);
const weight = z.number().nonnegative();

/** What every model has. */
const common = {
  learningRate: z.number().positive().default(1e-3),
  /** For everything that is not a table. */
  optimizer: z.enum(["adam", "adagrad", "sgd"]).default("adam"),
  /** For embedding tables and first-order weights. `adam`, `adagrad` and `sgd` move every row each step, `row...` only those looked up. */
  tableOptimizer: z.enum(["adam", "adagrad", "sgd", "rowAdam", "rowAdagrad", "rowSgd"]).default("adam"),
  /** Coupled L2 of whole tables: l2 * weight is added to every row's gradient every step. Only with adam, adagrad, sgd. */
  tableL2: weight.default(0),
  /** Coupled L2 of looked-up rows: each row a batch touches, once a step. Only with rowAdam, rowAdagrad, rowSgd. */
  lookupL2: weight.default(0),
  /** The same for first-order weights; as the tables' L2 when left out. */
  linearL2: weight.optional(),
  /** Standard deviation of the tables' first values. */
  std: z.number().positive().default(DEFAULT_STD),
};

const dim = { dim: z.int().positive() };

/** What models with a tower have. */
const tower = {
  hidden: z.array(z.int().positive()).min(1).default([64, 32]),
  batchNorm: z.boolean().default(false),
  /** Share of a layer's outputs that is dropped in training. */
  dropout: share.default(0),
  activation: z.literal("relu").default("relu"),
  /** Coupled L2 of the tower's matrices. */
  hiddenL2: weight.default(0),
};

const lrSchema = z.strictObject({ kind: z.literal("lr"), ...common });
const fmSchema = z.strictObject({ kind: z.literal("fm"), ...dim, ...common });
const dnnSchema = z.strictObject({ kind: z.literal("dnn"), ...dim, ...tower, ...common });
const wideDeepSchema = z.strictObject({ kind: z.literal("wideDeep"), ...dim, ...tower, ...common });
const deepfmSchema = z.strictObject({ kind: z.literal("deepfm"), ...dim, ...tower, ...common });

const dlrmSchema = z.strictObject({
  kind: z.literal("dlrm"),
  ...dim,
  /** Names of the fields whose embeddings the bottom tower reads, once each; none: no bottom tower. */
  dense: z
    .array(z.string().min(1))
    .refine((names) => new Set(names).size === names.length, "names a field twice; name each once")
    .default([]),
  /** Layers of the bottom tower before its last, which is `dim` wide. Of no consequence without `dense`. */
  bottom: z.array(z.int().positive()).default([64, 32]),
  ...tower,
  ...common,
});

const KINDS = [lrSchema, fmSchema, dnnSchema, wideDeepSchema, deepfmSchema, dlrmSchema] as const;

/** True if models of this kind have the setting: "hidden" is one of "deepfm", not of "fm". */
export function modelTakes(kind: string, setting: string): boolean {
  return KINDS.some(({ shape }) => shape.kind.value === kind && Object.hasOwn(shape, setting));
}

export const modelConfigSchema = z.discriminatedUnion("kind", KINDS).superRefine((config, context) => {
  const rowsOnly = config.tableOptimizer.startsWith("row");
  const refuse = (key: "tableL2" | "lookupL2", message: string) =>
    context.addIssue({ code: "custom", path: [key], message });
  if (rowsOnly && config.tableL2 > 0) {
    refuse(
      "tableL2",
      `${config.tableOptimizer} moves looked-up rows only; use lookupL2, or adam for whole tables`,
    );
  }
  if (!rowsOnly && config.lookupL2 > 0) {
    refuse(
      "lookupL2",
      `${config.tableOptimizer} moves whole tables; use tableL2, or rowAdam for looked-up rows`,
    );
  }
});

export type ModelConfig = z.output<typeof modelConfigSchema>;
export type ModelKind = ModelConfig["kind"];

type OptionsOf<S extends z.ZodType> = Omit<z.input<S>, "kind">;
export type LrOptions = OptionsOf<typeof lrSchema>;
export type FmOptions = OptionsOf<typeof fmSchema>;
export type DnnOptions = OptionsOf<typeof dnnSchema>;
export type WideDeepOptions = OptionsOf<typeof wideDeepSchema>;
export type DeepfmOptions = OptionsOf<typeof deepfmSchema>;
export type DlrmOptions = OptionsOf<typeof dlrmSchema>;

/** Checks a configuration and fills in defaults. Throws ModelConfigError that names every wrong key. */
export function parseModelConfig(value: unknown, source = "model configuration"): ModelConfig {
  const parsed = modelConfigSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join(".")}: ${message}`,
  );
  throw new ModelConfigError(`${source}: ${problems.join("; ")}.`);
}

function configOf<K extends ModelKind>(kind: K, options: object): Extract<ModelConfig, { kind: K }> {
  return parseModelConfig({ ...options, kind }, kind) as Extract<ModelConfig, { kind: K }>;
}

/** Logistic regression: bias and a weight a feature. It has no embeddings; give it the scheme `uniform(fields, 0)`. */
export const lr = (options: LrOptions = {}) => configOf("lr", options);
/** Factorisation machine (Rendle, 2010): LR and the products of every pair of embeddings. */
export const fm = (options: FmOptions) => configOf("fm", options);
/** A tower over the concatenated embeddings. */
export const dnn = (options: DnnOptions) => configOf("dnn", options);
/** Wide & Deep (Cheng et al., 2016): LR and a tower. */
export const wideDeep = (options: WideDeepOptions) => configOf("wideDeep", options);
/** DeepFM (Guo et al., 2017): FM and a tower over the same embeddings. */
export const deepfm = (options: DeepfmOptions) => configOf("deepfm", options);
/**
 * DLRM (Naumov et al., 2019, arXiv 1906.00091): a bottom tower turns the dense fields into one vector z of `dim` numbers; the top tower
 * (`hidden`) reads z and the dot products of all pairs of z and the other fields' embeddings (dot interaction without self-interaction).
 * No first-order weights. As in the authors' code every layer of the bottom tower ends in a relu, the last one too.
 *
 * Ours: datasets hold ids alone (`prepare` buckets numbers), so the bottom tower reads the embeddings of the fields named in `dense`, the
 * command line's default being the numeric ones. These take no part in dot products but through z. Without dense fields there is no bottom
 * tower and the top tower reads the products alone, as FuxiCTR's DLRM does.
 */
export const dlrm = (options: DlrmOptions) => configOf("dlrm", options);

/** True if the model multiplies embeddings of different fields, so that a scheme of unequal dims needs projections. */
export function needsEqualDims(config: ModelConfig): boolean {
  return config.kind === "fm" || config.kind === "deepfm" || config.kind === "dlrm";
}
