// Options, over a file, over what was there before.
import { expect, test } from "bun:test";
import { readSettings } from "../../src/parts/settings.ts";

const ground = (kind: string) => ({ model: { kind }, train: {}, seed: 1, source: `the study's x/${kind}` });
const AMONG = ["fm", "deepfm", "widedeep"];

test("of several models an option that one lacks is for the others", () => {
  const model = (kind: string, options: object) =>
    readSettings({ among: AMONG, ...options }, ground(kind)).model;
  const typed = { hidden: [8], dropout: 0.1, lr: 0.01 };
  expect(model("deepfm", typed)).toMatchObject({ hidden: [8], dropout: 0.1, learningRate: 0.01 });
  expect(model("widedeep", typed)).toMatchObject({ kind: "wideDeep", hidden: [8] });
  expect(model("fm", typed)).toMatchObject({ kind: "fm", learningRate: 0.01 });
  expect(model("fm", typed)).not.toHaveProperty("hidden");
});

test("an option that no model has is refused, with where the model comes from", () => {
  const bottom = () => readSettings({ among: AMONG, bottom: [8] }, ground("fm"));
  expect(bottom).toThrow(/the study's x\/fm with the options typed: .*bottom/);
  expect(() => readSettings({ hidden: [8] }, ground("fm"))).toThrow("hidden");
  expect(() => readSettings({ model: "fm", hidden: [8] })).toThrow(/from the options typed: .*hidden/);
});
