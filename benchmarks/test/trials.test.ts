// What a comparison finished, packed and unpacked on another machine, is what `compare` finds there.
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { elements, perField, type Scheme } from "@trimtab/embeddings";
import { appendResult } from "@trimtab/eval";
import { RunFolder, storeSearch, TrialCache, trainConfigSchema } from "@trimtab/search-core";
import { resultRow } from "@trimtab/test-support";

const root = mkdtempSync(join(tmpdir(), "trimtab-packed-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const runs = join(root, "study");
const packed = join(root, "packed");
const fields = [{ name: "user", rows: 5, slots: 1 }];
const dims = perField(fields, [2], { base: 4, projection: "linear" });
const mask = elements(fields, { dim: 4, masks: [Uint32Array.of(0b10101)] });

const row = resultRow({
  command: "trimtab compare --data /srv/logs/small --methods sseds",
  config: { key: "trained", scheme: JSON.parse(JSON.stringify(dims.toJSON())) },
  seeds: { run: 1 },
  engine: "cpu",
  adapter: "a processor",
  budget: "50%",
});

/** A run folder in which one training and two searches have ended. */
function finishedRun() {
  using run = RunFolder.create(join(runs, "small-fm"), {
    ...{ version: 1, kind: "comparison", command: row.command, seed: 1 },
    data: { folder: "d", name: "small", hash: "h", synthetic: true },
    model: { kind: "fm", dim: 4 },
    train: trainConfigSchema.parse({}),
  });
  appendResult(join(run.path, "results.jsonl"), row);
  const search = (searcher: string, scheme: Scheme) => ({
    ...{ key: `${searcher}-key`, seed: 1, config: { batches: 2 }, baseSeconds: 1 },
    result: { searcher, seconds: 3, notes: { why: searcher }, found: [{ budget: "50%", scheme }] },
  });
  storeSearch(run, "sseds-seed-1", search("sseds", dims));
  storeSearch(run, "pep-seed-1", search("pep", mask));
}

function trials(...args: string[]): string {
  const program = join(import.meta.dir, "../src/trials.ts");
  const { stdout, stderr, exitCode } = Bun.spawnSync([process.execPath, program, ...args]);
  expect(stderr.toString()).toBe("");
  expect(exitCode).toBe(0);
  return stdout.toString();
}

test("rows and dims of fields come back, masks are searched again, and packing twice adds nothing", () => {
  finishedRun();
  expect(trials("pack", packed, runs)).toContain("1 rows, 1 of them new");
  const files = [`trials/${row.dataset}.jsonl.gz`, "searches.jsonl.gz"].map((name) => join(packed, name));
  const before = files.map((file) => readFileSync(file));
  expect(trials("pack", packed, runs)).toContain("1 searches, 0 of them new");
  expect(files.map((file) => readFileSync(file))).toEqual(before);

  expect(trials("unpack", packed, join(root, "cache"))).toContain("1 rows, 1 searches");
  const cache = new TrialCache(join(root, "cache"), "cpu");
  const known = cache.row("trained")!;
  expect(known).toEqual({
    ...row,
    command: "trimtab compare --data small --methods sseds",
    config: { key: "trained" },
  });
  const { saved, found } = cache.search("sseds-key")!;
  expect(saved).toMatchObject({ method: "sseds", seconds: 3, notes: { why: "sseds" }, whole: true });
  expect(found.map(({ budget, scheme }) => [budget, scheme.toJSON()])).toEqual([["50%", dims.toJSON()]]);
  expect(cache.search("pep-key")).toBeUndefined();
  expect(new TrialCache(join(root, "cache"), "webgpu: a card").row("trained")).toBeUndefined();
});
