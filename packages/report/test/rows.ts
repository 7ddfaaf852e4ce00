// Run folders as `compare` writes them, without training anything: schemes are real, metrics are given.
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { elements, perField, type Scheme, uniform } from "@trimtab/embeddings";
import { appendResult, type ResultRow } from "@trimtab/eval";
import { runConfigSchema } from "@trimtab/search-core";
import { resultRow } from "@trimtab/test-support";

export const FIELDS = [
  { name: "user", rows: 101, slots: 1 },
  { name: "item", rows: 51, slots: 1 },
  { name: "hour", rows: 24, slots: 1 },
];
export const DIM = 8;

export function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "trimtab-report-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface RowFacts {
  readonly method: string;
  readonly budget: string | null;
  readonly seed: number;
  readonly auc: number;
  readonly scheme: Scheme;
  readonly dataset?: string;
  readonly synthetic?: boolean;
  readonly date?: string;
  /** The searcher's configuration. */
  readonly search?: Record<string, string>;
}

export function rowOf({ method, budget, seed, auc, scheme, search, ...rest }: RowFacts): ResultRow {
  const calibration = { predicted: 0.3, observed: 0.3, ratio: 1, ece: 0.01 };
  const metrics = { rows: 5000, auc, logloss: 0.5 - auc / 10, calibration, perUser: null };
  return resultRow({
    command: "trimtab compare --run c",
    config: {
      key: `${method}-${seed}`,
      scheme: JSON.parse(JSON.stringify(scheme.toJSON())),
      bestEpoch: 1,
      epochs: 3,
      ...(search ? { search } : {}),
    },
    dataset: rest.dataset ?? "planted",
    datasetHash: "ab".repeat(32),
    synthetic: rest.synthetic ?? true,
    seeds: { run: seed },
    engine: "cpu",
    adapter: "a processor, 2 threads",
    versions: { bun: "1.4.5", webgpu: null, trimtab: "0.1.0" },
    model: "fm d8",
    method,
    budget,
    metrics: { valid: metrics, test: metrics },
    parameters: scheme.parameters,
    bytes: {
      serve: scheme.serveBytes(),
      train: scheme.trainBytes({ slots: 2 }),
      uniform: uniform(FIELDS, DIM).serveBytes(),
    },
    seconds: budget === null ? { train: 4, evaluate: 1 } : { search: 2, base: 5, train: 3, evaluate: 0.5 },
    date: rest.date ?? `2026-11-21T04:00:0${seed}.000Z`,
  });
}

export const base = () => uniform(FIELDS, DIM);
/** The largest field is dropped where `user` is 0. */
export const dims = (user: number, item: number, hour: number) =>
  perField(FIELDS, [user, item, hour], { base: DIM, projection: "positions" });

/** Every id of a field keeps its first numbers: as many as `kept` says, or less the rarer it is. */
export function masks(kept: (id: number, rows: number) => number): Scheme {
  return elements(FIELDS, {
    dim: DIM,
    masks: FIELDS.map(({ rows }) => {
      const words = new Uint32Array(Math.ceil((rows * DIM) / 32));
      for (let id = 0; id < rows; id++) {
        for (let j = 0; j < kept(id, rows); j++) {
          const bit = id * DIM + j;
          words[bit >>> 5]! |= 1 << (bit & 31);
        }
      }
      return words;
    }),
  });
}

/** Two searchers and a baseline at two budgets over three seeds; the baseline cannot meet the smaller one. */
export function threeSeeds(changes: { dataset?: string; method?: string } = {}): RowFacts[] {
  const { dataset, method = "sseds" } = changes;
  return [1, 2, 3].flatMap((seed): RowFacts[] => {
    const noise = seed / 10_000;
    const common = { seed, dataset };
    return [
      { ...common, method: "base", budget: null, auc: 0.76 + noise, scheme: base() },
      { ...common, method, budget: "50%", auc: 0.77 + noise, scheme: dims(4, 4, seed) },
      { ...common, method, budget: "10%", auc: 0.75 - noise, scheme: dims(0, 1, 2) },
      {
        ...common,
        method: "pep",
        budget: "50%",
        auc: 0.755 + noise,
        scheme: masks((id) => (id < 20 ? 6 : 2)),
      },
      {
        ...common,
        method: "pep",
        budget: "10%",
        auc: 0.752 + noise,
        scheme: masks((id) => (id < 10 ? 3 : 0)),
      },
      { ...common, method: "smaller-dim", budget: "50%", auc: 0.757 + noise, scheme: uniform(FIELDS, 4) },
    ];
  });
}

export interface FolderFacts {
  readonly rows: readonly RowFacts[];
  readonly events?: readonly Record<string, unknown>[];
  readonly saliency?: readonly (readonly number[])[];
  readonly model?: Record<string, unknown>;
  /** Of the dataset that the run names. */
  readonly data?: { readonly folder: string; readonly hash: string };
  /** Validation AUC of the base model without each field, for seed 1; whole it has 0.76. */
  readonly without?: readonly number[];
}

const ASKED = {
  kind: "asked",
  methods: ["sseds", "pep", "smaller-dim"],
  budgets: ["50%", "10%"],
  seeds: [1, 2, 3],
};

/** Writes a comparison; its last command asked for all of `threeSeeds`. */
export function folderOf(
  { rows, events, saliency, model, data, without }: FolderFacts,
  path = join(freshFolder(), "c"),
): string {
  mkdirSync(join(path, "notes"), { recursive: true });
  const command = "trimtab compare --run c --methods sseds,pep,smaller-dim --budgets 50%,10% --seeds 1,2,3";
  const config = runConfigSchema.parse({
    version: 1,
    kind: "comparison",
    command,
    data: { folder: "planted.trimtab", name: "planted", hash: "ab".repeat(32), synthetic: true, ...data },
    model: model ?? { kind: "fm", dim: DIM },
    train: {},
    seed: 1,
  });
  writeFileSync(join(path, "config.json"), JSON.stringify(config));
  const missing = [1, 2, 3].map((seed) => ({
    ...{ kind: "missing", method: "smaller-dim", budget: "10%", seed },
    reason: "dim 1 already costs 704 bytes, the budget is 563",
  }));
  for (const event of [{ kind: "started", command }, ...(events ?? [ASKED, ...missing])]) {
    appendFileSync(
      join(path, "events.jsonl"),
      `${JSON.stringify({ time: "2026-11-21T04:00:00Z", ...event })}\n`,
    );
  }
  for (const facts of rows) appendResult(join(path, "results.jsonl"), rowOf(facts));
  if (saliency) {
    const notes = { method: "sseds", seed: 1, config: { batches: 50 }, notes: { saliency } };
    writeFileSync(join(path, "notes", "sseds-seed-1.json"), JSON.stringify(notes));
  }
  if (without) {
    mkdirSync(join(path, "fields"));
    const fields = FIELDS.map(({ name }, f) => ({ name, auc: without[f] }));
    const costs = { version: 1, key: "k", seed: 1, split: "valid", rows: 500, auc: 0.76, fields };
    writeFileSync(join(path, "fields", "seed-1.json"), JSON.stringify(costs));
  }
  return path;
}

/** A study of three comparisons: other data, another model; in the second pep is better, in the third nothing is told apart. */
export function studyFolder(): string {
  const study = join(freshFolder(), "study");
  mkdirSync(join(study, "logs"), { recursive: true });
  writeFileSync(join(study, "study.json"), "{}");
  const better = threeSeeds().map((row) => (row.method === "pep" ? { ...row, auc: row.auc + 0.03 } : row));
  const noise: Record<string, readonly number[]> = {
    sseds: [3, 0, -3],
    pep: [-3, 3, 0.1],
    "smaller-dim": [0, -3, 3],
  };
  const noisy = threeSeeds().map((row) => ({
    ...row,
    auc: 0.7 + (noise[row.method]?.[row.seed - 1] ?? 0) / 1000,
  }));
  folderOf({ rows: threeSeeds() }, join(study, "one-fm"));
  // methods may come in any order
  better.reverse();
  folderOf({ rows: better, model: { kind: "deepfm", dim: DIM } }, join(study, "one-deepfm"));
  folderOf({ rows: noisy, model: { kind: "dlrm", dim: DIM } }, join(study, "one-dlrm"));
  return study;
}
