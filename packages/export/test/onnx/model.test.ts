// Every model under every kind of scheme: onnxruntime's logits are ours.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { elements, rowChunks, type Scheme } from "@trimtab/embeddings";
import { fm, type ModelConfig } from "@trimtab/models";
import { Scorer } from "@trimtab/search-core";
import { type Device, openDevice } from "@trimtab/tensor-core";
import fc from "fast-check";
import { buildGraph, captureModel, OnnxScorer, type Precision, TOLERANCE } from "../../src/index.ts";
import { differenceOf } from "../../src/self-test.ts";
import {
  configs,
  fields,
  randomColumns,
  randomMasks,
  randomModel,
  randomOf,
  SEED,
  schemesOf,
} from "../support/setting.ts";

setDefaultTimeout(300_000);
let device: Device;
let folder: string;
let files = 0;

beforeAll(async () => {
  device = await openDevice({ engine: "cpu" });
  folder = mkdtempSync(join(tmpdir(), "trimtab-onnx-"));
});
afterAll(() => {
  device.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const ROWS = 37;
const DATA = "model.onnx.data";

interface Logits {
  readonly ours: Float32Array;
  readonly theirs: Float32Array;
  readonly bytes: number;
}

/** Logits of one random model by both, in two batches of unequal size. */
async function bothOf(
  config: ModelConfig,
  scheme: Scheme,
  seed: number,
  { precision = "f32", inline }: { precision?: Precision; inline?: number } = {},
): Promise<Logits> {
  const columns = randomColumns(ROWS, seed);
  const model = await randomModel(device, config, scheme, seed);
  try {
    const parts = await captureModel(model, precision);
    const { graph } = buildGraph(parts);
    const { model: bytes, external } = graph.encode({
      version: "0",
      doc: "",
      metadata: {},
      externalName: DATA,
      inline,
    });
    const path = join(folder, `${files++}.onnx`);
    writeFileSync(path, bytes);
    if (inline !== undefined) {
      expect(external).toBeDefined();
      writeFileSync(join(folder, DATA), Buffer.concat(external!));
    }
    const scorer = await Scorer.make(device, model, fields, ROWS);
    const ours = await scorer.logits(columns);
    await scorer.close();
    const onnx = await OnnxScorer.open(path, fields, { batch: 20 });
    const theirs = await onnx.logits(columns);
    await onnx.close();
    return { ours, theirs, bytes: statSync(path).size };
  } finally {
    model.dispose();
  }
}

/** Logits of a tower whose relus are all shut would agree with anything. */
function tells({ ours }: Logits): boolean {
  return ours.some((x) => Math.abs(x) > 0.1) && new Set(ours).size > ROWS / 2;
}

function expectSame(both: Logits): void {
  const { ours, theirs } = both;
  expect(tells(both)).toBe(true);
  expect(differenceOf(theirs, ours).relative).toBeLessThanOrEqual(TOLERANCE);
}

for (const [kind, config] of Object.entries(configs)) {
  describe(kind, () => {
    for (const [name, scheme] of Object.entries(schemesOf(7))) {
      // logistic regression has no embeddings, whatever the scheme
      if (kind === "lr" && name !== "uniform") continue;
      test(name, async () => {
        let both = await bothOf(config, scheme, 11);
        for (let seed = 12; !tells(both) && seed < 20; seed++) both = await bothOf(config, scheme, seed);
        expectSame(both);
      });
    }
  });
}

test("law: a mask of any dim, density and layout is found as we find it", async () => {
  const dims = fc.constantFrom(1, 3, 8, 33, 40);
  const layouts = fc.constantFrom("bitmask", "row-bitmask", "csr", "coo");
  const shares = fc.array(fc.constantFrom(0, 0.02, 0.5, 1), {
    minLength: fields.length,
    maxLength: fields.length,
  });
  const specs = fields.map(({ name, rows, slots }) => ({ name, rows, slots }));
  await fc.assert(
    fc.asyncProperty(
      dims,
      layouts,
      shares,
      fc.boolean(),
      fc.nat(1e6),
      async (dim, layout, some, chunked, seed) => {
        // one field is sure to have numbers
        const masks = randomMasks(dim, [1, ...some.slice(1)], randomOf(seed));
        const scheme = chunked
          ? rowChunks(specs, { dim: dim * 2, chunks: dim, masks, layout })
          : elements(specs, { dim, masks, layout });
        expectSame(await bothOf(fm({ dim: scheme.base }), scheme, seed));
      },
    ),
    { seed: SEED, numRuns: 12 },
  );
});

test("constants in a file of their own, as of models over 2 GiB, score the same", async () => {
  const schemes = schemesOf(3, 16);
  for (const name of ["uniform", "elements, bitmask"]) {
    const inside = await bothOf(configs.fm!, schemes[name]!, 5);
    const beside = await bothOf(configs.fm!, schemes[name]!, 5, { inline: 0 });
    expect(beside.theirs).toEqual(inside.theirs);
    expect(beside.bytes).toBeLessThan(inside.bytes);
  }
});

test("compact stays compact: beside its own bytes a file has a few KiB of graph, at any number of rows", async () => {
  const many = [{ name: "item", rows: 20_000, slots: 1 }];
  const random = randomOf(1);
  const mask = new Uint32Array(20_000).map(() =>
    random() < 0.5 ? 0 : (random() * 2 ** 32) & (random() * 2 ** 32),
  );
  const found: Scheme[] = [
    elements(many, { dim: 32, masks: [mask], layout: "bitmask" }),
    elements(many, { dim: 32, masks: [mask], layout: "row-bitmask" }),
    elements(many, { dim: 32, masks: [mask], layout: "csr" }),
    elements(many, { dim: 32, masks: [mask], layout: "coo" }),
    rowChunks(many, { dim: 64, chunks: 32, masks: [mask] }),
  ];
  for (const scheme of found) {
    const model = await randomModel(device, fm({ dim: scheme.base }), scheme, 1);
    const { graph } = buildGraph(await captureModel(model, "f32"));
    const { model: bytes } = graph.encode({ version: "0", doc: "", metadata: {}, externalName: DATA });
    const linear = 20_000 * 4;
    expect(bytes.length).toBeGreaterThan(scheme.serveBytes() + linear);
    expect(bytes.length - scheme.serveBytes() - linear).toBeLessThan(24_000);
    model.dispose();
  }
});

test("ids that a field does not have are read as out of vocabulary, not as another field's rows", async () => {
  const scheme = schemesOf(5)["elements, bitmask"]!;
  const model = await randomModel(device, configs.fm!, scheme, 9);
  const { graph } = buildGraph(await captureModel(model, "f32"));
  const path = join(folder, "guarded.onnx");
  writeFileSync(path, graph.encode({ version: "0", doc: "", metadata: {}, externalName: DATA }).model);
  const onnx = await OnnxScorer.open(path, fields);
  const known = randomColumns(8, 1);
  known.ids[0]!.fill(0);
  const unknown = {
    ...known,
    ids: known.ids.map((ids, f) => (f === 0 ? ids.slice().fill(fields[0]!.rows) : ids)),
  };
  expect(await onnx.logits(unknown)).toEqual(await onnx.logits(known));
  await onnx.close();
  model.dispose();
});

test("a file that is no model is refused by name", async () => {
  const path = join(folder, "none.onnx");
  writeFileSync(path, "no model");
  const refused = await OnnxScorer.open(path, fields).then(
    () => undefined,
    (reason: Error) => reason,
  );
  expect(refused?.name).toBe("OnnxRuntimeError");
  expect(refused?.message).toContain("none.onnx: onnxruntime refuses the model");
});
