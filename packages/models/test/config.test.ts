import { describe, expect, test } from "bun:test";
import {
  deepfm,
  dlrm,
  dnn,
  fm,
  lr,
  ModelConfigError,
  needsEqualDims,
  parseModelConfig,
  tableRule,
  trainCost,
  wideDeep,
} from "../src/index.ts";

test("defaults are filled in, and a configuration comes back from JSON as it was", () => {
  const config = deepfm({ dim: 16, hidden: [400, 400], batchNorm: true, dropout: 0.2 });
  expect(config.kind).toBe("deepfm");
  expect(config.tableOptimizer).toBe("adam");
  expect(config.activation).toBe("relu");
  expect(parseModelConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
  expect(
    [lr(), fm({ dim: 2 }), dnn({ dim: 2 }), wideDeep({ dim: 2 }), dlrm({ dim: 2 })].map((c) => c.kind),
  ).toEqual(["lr", "fm", "dnn", "wideDeep", "dlrm"]);
});

describe("what is refused, by name", () => {
  const cases: [string, unknown, string][] = [
    ["an unknown key", { kind: "fm", dim: 4, embeddingDim: 4 }, "embeddingDim"],
    ["an unknown model", { kind: "dcn", dim: 4 }, "kind"],
    ["a dim for LR", { kind: "lr", dim: 4 }, "dim"],
    ["no dim", { kind: "fm" }, "dim"],
    ["dim 0", { kind: "fm", dim: 0 }, "dim"],
    ["a tower for FM", { kind: "fm", dim: 4, hidden: [4] }, "hidden"],
    ["an empty tower", { kind: "dnn", dim: 4, hidden: [] }, "hidden"],
    ["a dropout of everything", { kind: "dnn", dim: 4, dropout: 1 }, "dropout"],
    ["a bottom tower for DeepFM", { kind: "deepfm", dim: 4, bottom: [4] }, "bottom"],
    ["a dense field named twice", { kind: "dlrm", dim: 4, dense: ["hour", "hour"] }, "names a field twice"],
    ["an unknown optimizer", { kind: "fm", dim: 4, tableOptimizer: "lazyAdam" }, "tableOptimizer"],
    [
      "whole-table L2 with a row optimizer",
      { kind: "fm", dim: 4, tableOptimizer: "rowAdam", tableL2: 1e-5 },
      "use lookupL2",
    ],
    ["looked-up L2 with a whole-table optimizer", { kind: "fm", dim: 4, lookupL2: 1e-5 }, "use tableL2"],
  ];
  test.each(cases)("%s", (_, value, message) => {
    expect(() => parseModelConfig(value, "model.json")).toThrow(ModelConfigError);
    expect(() => parseModelConfig(value, "model.json")).toThrow("model.json");
    expect(() => parseModelConfig(value, "model.json")).toThrow(message);
  });
});

test("L2 of tables and of looked-up rows go to rules of different names", () => {
  const whole = tableRule(fm({ dim: 4, tableL2: 1e-5 }));
  expect([whole.name, whole.l2, whole.rowsOnly]).toEqual(["adam", 1e-5, false]);
  const rows = tableRule(fm({ dim: 4, tableOptimizer: "rowAdam", lookupL2: 1e-5 }));
  expect([rows.name, rows.l2, rows.rowsOnly]).toEqual(["rowAdam", 1e-5, true]);
});

test("what training costs follows from the optimizers", () => {
  expect(trainCost(fm({ dim: 4 }))).toEqual({ slots: 2, touched: true, denseSlots: 2 });
  expect(trainCost(fm({ dim: 4, tableOptimizer: "rowAdagrad", optimizer: "sgd" }))).toEqual({
    slots: 1,
    touched: false,
    denseSlots: 0,
  });
  expect(trainCost(fm({ dim: 4, tableOptimizer: "sgd" })).touched).toBe(false);
  expect(trainCost(fm({ dim: 4, tableOptimizer: "sgd", tableL2: 1e-5 })).touched).toBe(true);
});

test("models that multiply embeddings say so", () => {
  const dim = { dim: 4 };
  expect([lr(), fm(dim), dnn(dim), wideDeep(dim), deepfm(dim), dlrm(dim)].map(needsEqualDims)).toEqual([
    false,
    true,
    false,
    false,
    true,
    true,
  ]);
});
