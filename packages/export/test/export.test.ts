// Folders: written, tested, read back, scored; damage of any kind is noticed.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { elements, perField, rowChunks, type Scheme, uniform } from "@trimtab/embeddings";
import { deepfm, fm, lr, type Model, type ModelConfig } from "@trimtab/models";
import { fieldSpecs, Scorer } from "@trimtab/search-core";
import { type Device, openDevice } from "@trimtab/tensor-core";
import fc from "fast-check";
import { type ExportOptions, exportModel, openExport, type Precision, readFolder } from "../src/index.ts";
import { COUNTS, jsonOf, type Log, log } from "./support/data.ts";
import { randomModel, randomOf, SEED } from "./support/setting.ts";

setDefaultTimeout(300_000);
let device: Device;
let given: Log;
let outs = 0;

beforeAll(async () => {
  device = await openDevice({ engine: "cpu" });
  given = await log();
}, 300_000);
afterAll(() => device.dispose());

const DIM = 8;
const freshOut = () => join(given.folder, `out-${outs++}`);

function schemeOf(kind: string): Scheme {
  const specs = fieldSpecs(given.data.fields);
  const random = randomOf(1);
  const masksOf = (places: number) =>
    specs.map(({ rows }) => {
      const mask = new Uint32Array(Math.ceil((rows * places) / 32));
      for (let bit = 0; bit < rows * places; bit++) if (random() < 0.4) mask[bit >>> 5]! |= 1 << (bit & 31);
      return mask;
    });
  switch (kind) {
    case "per-field":
      return perField(
        specs,
        specs.map((_, f) => [8, 4, 6, 0, 2, 8][f]!),
        { base: DIM, projection: "linear" },
      );
    case "elements":
      return elements(specs, { dim: DIM, masks: masksOf(DIM) });
    case "chunks":
      return rowChunks(specs, { dim: DIM, chunks: 4, masks: masksOf(4) });
    default:
      return uniform(specs, DIM);
  }
}

const deep: ModelConfig = deepfm({ dim: DIM, hidden: [6], batchNorm: true });

async function withModel<T>(kind: string, work: (model: Model) => Promise<T>, config = deep): Promise<T> {
  const model = await randomModel(device, config, schemeOf(kind), 4);
  try {
    return await work(model);
  } finally {
    model.dispose();
  }
}

const exported = (
  kind: string,
  options: Partial<ExportOptions> = {},
  config?: Parameters<typeof withModel>[2],
) =>
  withModel(
    kind,
    async (model) => {
      const out = options.out ?? freshOut();
      const wide = { maxAucCost: 0.2, scoreBatch: 128 };
      const manifest = await exportModel({ device, model, data: given.data, ...wide, ...options, out });
      return { out, manifest };
    },
    config,
  );

async function failure(work: Promise<unknown>): Promise<Error> {
  try {
    await work;
  } catch (reason) {
    return reason as Error;
  }
  throw new Error("it did not fail");
}

describe.each(["uniform", "per-field", "elements", "chunks"])("%s", (kind) => {
  test.each(["f32", "f16", "int8"] as Precision[])(
    "%s: reloaded and run by onnxruntime, with its bytes told",
    async (precision) => {
      const { out, manifest } = await exported(kind, { precision, onnx: true });
      const { selfTest, bytes, scheme, onnx } = manifest;
      expect(selfTest!.rows).toBe(COUNTS[1]);
      expect(selfTest!.onnx!.relative).toBeLessThanOrEqual(1e-5);
      expect(onnx).toMatchObject({ opset: 18, ir: 8, expanded: false });
      const before = scheme.serveBytes;
      if (precision === "f32") {
        expect(selfTest!.reloaded.largest).toBe(0);
        expect(selfTest!.cost).toBeNull();
        expect(bytes.embeddings).toBe(before);
      } else {
        expect(selfTest!.reloaded.largest).toBeGreaterThan(0);
        expect(selfTest!.cost!.rows).toBe(COUNTS[1]);
        expect(bytes.embeddings).toBeLessThan(before);
      }
      expect(readFolder(out)).toEqual(manifest);
      expect(readdirSync(given.folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    },
  );
});

test("logistic regression has no tables, and is exported all the same", async () => {
  const { out, manifest } = await exported("uniform", { onnx: true }, lr());
  expect(manifest.tables).toMatchObject({ torchrec: null, dlrm: null });
  expect(manifest.tables.why.torchrec).toContain("no embeddings");
  expect(manifest.bytes.embeddings).toBe(0);
  expect(statSync(join(out, "model.onnx")).size).toBeLessThan(10_000);
});

test("a stranger scores raw rows as the run scores its ids", async () => {
  const { out } = await exported("per-field");
  const { data, rows } = given;
  const [train, count] = COUNTS;
  const valid = await data.load("valid");
  const model = await openExport(out, { device, scoreBatch: 64 });
  const fromIds = await model.score(valid);
  expect(fromIds).toEqual(await model.scoreRaw(rows.slice(train, train + count)));
  expect(new Set(fromIds).size).toBeGreaterThan(50);
  expect((await model.scoreRaw([{ user: "never seen", price: 12.5 }])).every(Number.isFinite)).toBe(true);
  const wrong = await failure(model.scoreRaw([{ price: "cheap" }]));
  expect(wrong.message).toContain('row 0: field "price" is numeric and has "cheap"');
  await model.dispose();
});

test("without vocabularies the folder refers to the dataset, and says so when it is asked", async () => {
  const { out, manifest } = await exported("uniform", { vocabularies: "reference" });
  expect(manifest.dataset).toMatchObject({ hash: given.data.hash, folder: given.data.folder });
  expect(existsSync(join(out, "vocabularies"))).toBe(false);
  const model = await openExport(out, { device });
  expect((await failure(model.scoreRaw([{}]))).message).toContain("refers to the dataset log");
  await model.dispose();
});

test("law: any flipped bit of any file is noticed, and the file is named", async () => {
  const { out } = await exported("elements", { onnx: true });
  const files = readdirSync(out, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  expect(files.length).toBeGreaterThan(8);
  fc.assert(
    fc.property(
      fc.constantFrom(...files),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.nat(7),
      (file, at, bit) => {
        const whole = readFileSync(file);
        const damaged = Buffer.from(whole);
        damaged[Math.floor(at * whole.length)]! ^= 1 << bit;
        writeFileSync(file, damaged);
        try {
          expect(() => readFolder(out)).toThrow(
            /SHA256SUMS|manifest\.json/.test(file) ? /manifest\.json/ : file,
          );
        } finally {
          writeFileSync(file, whole);
        }
      },
    ),
    { seed: SEED, numRuns: 60 },
  );
  readFolder(out);
  rmSync(join(out, "network.safetensors"));
  expect(() => readFolder(out)).toThrow("network.safetensors: is missing");
});

test("SHA256SUMS is what sha256sum checks", async () => {
  const { out } = await exported("uniform");
  const child = Bun.spawn(["sha256sum", "--check", "--strict", "SHA256SUMS"], {
    cwd: out,
    stdout: "pipe",
    stderr: "pipe",
  });
  expect(await child.exited).toBe(0);
});

test("a model that scores otherwise than what was written fails loudly, and nothing is removed", async () => {
  const out = freshOut();
  await withModel("uniform", async (model) => {
    let steps = 0;
    const reason = await failure(
      exportModel({
        device,
        model,
        data: given.data,
        out,
        onStep: (step) => {
          steps++;
          // the run's model is no longer the one that was written
          if (step === "testing") model.state.get("linear.bias")!.write(Float32Array.of(3));
        },
      }),
    );
    expect(steps).toBe(2);
    expect(reason.name).toBe("SelfTestError");
    expect(reason.message).toContain(`What was written is in ${out}.failed`);
  });
  expect(existsSync(out)).toBe(false);
  expect(readFolder(`${out}.failed`).selfTest).toBeNull();
});

test("narrower numbers that cost too much fail, with what they cost", async () => {
  const reason = await failure(exported("uniform", { precision: "int8", maxAucCost: -1 }));
  expect(reason.name).toBe("SelfTestError");
  expect(reason.message).toMatch(/cost -?\d[\d.e-]* of validation AUC, at most -1/);
});

test("a folder that is taken is refused; ours is replaced with force; others never are", async () => {
  const { out } = await exported("uniform");
  const first = jsonOf(out, "manifest.json").scheme.kind;
  expect(first).toBe("uniform");
  expect((await failure(exported("elements", { out }))).message).toContain("replace it with --force");
  await exported("elements", { out, force: true });
  expect(jsonOf(out, "manifest.json").scheme.kind).toBe("elements");
  const other = freshOut();
  mkdirSync(other);
  writeFileSync(join(other, "letter.txt"), "dear");
  expect((await failure(exported("uniform", { out: other, force: true }))).message).toContain(
    "something else is there",
  );
  expect(readdirSync(other)).toEqual(["letter.txt"]);
});

test("tables can be read by tensor-core, and the model by nothing but its folder", async () => {
  const { out } = await exported("chunks", {}, fm({ dim: DIM }));
  const again = await openExport(out, { device, verify: "size" });
  const valid = await given.data.load("valid");
  const scorer = await Scorer.make(device, again.model, given.data.fields, 64);
  expect(await scorer.logits(valid)).toEqual(await again.score(valid));
  expect(again.model.bytes).toBe(again.manifest.bytes.embeddings + again.manifest.bytes.network);
  await scorer.close();
  await again.dispose();
});
