import type { ResultRow } from "@trimtab/eval";

/** A row that fits the schema, with the given keys changed. */
export function resultRow(changes: Partial<ResultRow> = {}): ResultRow {
  const metrics = {
    rows: 100,
    auc: 0.8,
    logloss: 0.4,
    calibration: { predicted: 0.2, observed: 0.2, ratio: 1, ece: 0.01 },
    perUser: null,
  };
  return {
    version: 1,
    command: "trimtab search log.trimtab --budget 10%",
    config: { model: { name: "deepfm", hidden: [64, 32] }, lr: 0.001 },
    dataset: "planted",
    datasetHash: "0123abcd",
    synthetic: true,
    seeds: { model: 7, shuffle: 7 },
    engine: "webgpu",
    adapter: "a GPU",
    versions: { bun: "1.4.5", webgpu: "0.6.2", trimtab: "0.1.0" },
    model: "deepfm 64-32",
    method: "sseds",
    budget: "10%",
    metrics: { valid: metrics, test: metrics },
    parameters: 1000,
    bytes: { serve: 4096, train: 12288, uniform: 40960 },
    seconds: { train: 10, search: 1, retrain: 9 },
    date: "2026-11-21T04:00:00.000Z",
    ...changes,
  };
}
