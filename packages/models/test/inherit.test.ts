// A model that inherits scores as the larger one with the dropped columns at zero.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { perField, uniform } from "@trimtab/embeddings";
import { type Device, openDevice } from "@trimtab/tensor-core";
import { feedsOf, needed } from "@trimtab/test-support";
import { buildModel, deepfm, dlrm, fm, inheritModel, ModelError, scoreStep } from "../src/index.ts";
import { logitsOf } from "./reference.ts";
import { configs, contentsOf, fields, givenModel, schemes } from "./setting.ts";

setDefaultTimeout(60_000);

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.dispose());

const columns = [[1, 3], [0, 1, 2, 3], [], [2]];

describe.each(Object.keys(configs))("%s", (kind) => {
  test("scores as the masked larger model", async () => {
    const config = configs[kind]!;
    const scheme = schemes.uniform!;
    const { model: from, values } = await givenModel(device, config, scheme, { batch: 5, seed: 21 });
    const projection = config.kind === "wideDeep" ? "none" : config.kind === "dlrm" ? "positions" : "linear";
    const dims = columns.map((c) => c.length);
    const smaller = perField(fields, dims, { base: 4, projection, columns });
    const to = await buildModel(device, config, smaller, { seed: 1 });
    await inheritModel(from, to);

    const masked = await contentsOf(from);
    const table = masked.get("embeddings.all");
    table?.forEach((_, i) => {
      const row = Math.floor(i / 4);
      const field = row < 7 ? 0 : row < 12 ? 1 : row < 21 ? 2 : 3;
      if (!columns[field]!.includes(i % 4)) table[i] = 0;
    });
    const expected = logitsOf({ config, scheme, tables: from.tables, values, training: false }, masked);
    using score = await device.compile(scoreStep(to, 5));
    const feeds = Object.assign({}, ...to.layouts.map((l) => feedsOf(l, fields, values)));
    const { logits } = await score.fetch(needed(score, feeds));
    expected.forEach((e, b) => {
      expect(Math.abs(logits[b]! - e)).toBeLessThan(1e-4 * Math.max(1, Math.abs(e)));
    });
    from.dispose();
    to.dispose();
  });
});

test("a scheme without any dense field leaves no bottom tower to inherit", async () => {
  const config = dlrm({ dim: 4, dense: ["genres"] });
  using from = await buildModel(device, config, schemes.uniform!, { seed: 1 });
  const without = perField(fields, [4, 0, 4, 4], { base: 4, projection: "positions" });
  using to = await buildModel(device, config, without, { seed: 2 });
  expect(to.state.has("bottom.0.weight")).toBe(false);
  await expect(inheritModel(from, to)).rejects.toThrow("drops every dense field");
});

test("a bottom tower without layers before its last inherits what its kept dense fields feed, or is refused", async () => {
  const config = dlrm({ dim: 4, dense: ["user", "genres"], bottom: [] });
  using from = await buildModel(device, config, schemes.uniform!, { seed: 1 });
  const [user, genres] = ["user", "genres"].map((name) => fields.findIndex((f) => f.name === name));
  const without = (...dropped: (number | undefined)[]) =>
    perField(
      fields,
      fields.map((_, f) => (dropped.includes(f) ? 0 : 4)),
      { base: 4, projection: "positions" },
    );
  using to = await buildModel(device, config, without(genres), { seed: 2 });
  await inheritModel(from, to);
  const whole = (await contentsOf(from)).get("bottom.output.weight")!;
  const kept = (await contentsOf(to)).get("bottom.output.weight")!;
  // the rows of the first dense field
  expect([...kept]).toEqual([...whole.subarray(0, 4 * 4)]);
  using none = await buildModel(device, config, without(user, genres), { seed: 2 });
  await expect(inheritModel(from, none)).rejects.toThrow("drops every dense field");
});

test("models that do not fit are refused before anything is written", async () => {
  const scheme = schemes.uniform!;
  using from = await buildModel(device, deepfm({ dim: 4, hidden: [5] }), scheme, { seed: 1 });
  using wider = await buildModel(device, deepfm({ dim: 4, hidden: [6] }), scheme, { seed: 2 });
  const before = await contentsOf(wider);
  await expect(inheritModel(from, wider)).rejects.toThrow('"tower.0.weight" is [16, 6]');
  using other = await buildModel(device, fm({ dim: 4 }), scheme, { seed: 2 });
  await expect(inheritModel(from, other)).rejects.toThrow(ModelError);
  using narrow = await buildModel(device, deepfm({ dim: 2, hidden: [6] }), uniform(fields, 2), { seed: 1 });
  await expect(inheritModel(narrow, wider)).rejects.toThrow("does not read column 2 of field 0");
  expect(await contentsOf(wider)).toEqual(before);
});
