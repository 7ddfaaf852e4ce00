// What other runs did is found by what fixes it, and by nothing else.
import { afterAll, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { uniform } from "@trimtab/embeddings";
import { saveTensors } from "@trimtab/tensor-core";
import { resultRow } from "@trimtab/test-support";
import { TrialCache } from "../../src/index.ts";

const root = mkdtempSync(join(tmpdir(), "trimtab-trials-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const row = resultRow({ config: { key: "k" }, engine: "cpu", adapter: "a processor" });

test("a row is found under its key on the same device", () => {
  const cache = new TrialCache(join(root, "rows"), "cpu");
  expect(cache.row("k")).toBeUndefined();
  expect(existsSync(cache.folder)).toBe(false);
  cache.keepRow("k", row);
  expect(cache.row("k")).toEqual(row);
  // who asks has the scheme
  cache.keepRow("k", { ...row, config: { key: "k", scheme: { kind: "uniform" } } });
  expect(cache.row("k")).toEqual(row);
  expect(cache.row("other")).toBeUndefined();
  expect(new TrialCache(cache.folder, "webgpu: a card").row("k")).toBeUndefined();
  expect(new TrialCache(cache.folder, "cpu").row("k")).toEqual(row);
});

test("a damaged row is said, with its file, and another takes its place", () => {
  const damaged: string[] = [];
  const cache = new TrialCache(join(root, "damaged"), "cpu", (path) => damaged.push(path));
  cache.keepRow("k", row);
  const [folder] = readdirSync(cache.folder);
  const [name] = readdirSync(join(cache.folder, folder!));
  const path = join(cache.folder, folder!, name!);
  writeFileSync(path, readFileSync(path, "utf8").slice(0, 40));
  expect(cache.row("k")).toBeUndefined();
  expect(damaged).toEqual([path]);
  cache.keepRow("k", row);
  expect(cache.row("k")).toEqual(row);
  expect(damaged).toEqual([path]);
});

test("a search comes back with its schemes", () => {
  const cache = new TrialCache(join(root, "searches"), "cpu");
  const scheme = uniform([{ name: "user", rows: 5, slots: 1 }], 4);
  const found = [{ budget: "50%", scheme }];
  const saved = {
    ...{ version: 1 as const, key: "s", method: "sseds", config: {}, seed: 1, seconds: 2, baseSeconds: 0 },
    found: [
      { budget: "50%", scheme: "sseds-50%" },
      { budget: "10%", scheme: "of an earlier search" },
    ],
    ...{ whole: true, notes: {} },
  };
  cache.keepSearch("s", saved, found);
  const back = cache.search("s")!;
  expect(back.saved.found).toEqual([{ budget: "50%", scheme: "sseds-50%" }]);
  expect(back.found.map(({ budget }) => budget)).toEqual(["50%"]);
  expect(back.found[0]!.scheme.toJSON()).toEqual(scheme.toJSON());
  const files = readdirSync(cache.folder, { recursive: true, encoding: "utf8" });
  const path = join(cache.folder, files.find((name) => name.endsWith(".json"))!);
  writeFileSync(path, readFileSync(path, "utf8").replace('"user"', "5"));
  expect(cache.search("s")).toBeUndefined();
});

const file = (x: number) => ({
  tensors: new Map([["w", { dtype: "f32" as const, shape: [1], data: Float32Array.of(x) }]]),
  metadata: {},
});

function writeCheckpoint(folder: string): void {
  for (const [i, name] of ["best", "latest"].entries())
    saveTensors(join(folder, `${name}.safetensors`), file(i));
}

test("a damaged checkpoint is said, not adopted, and another takes its place", () => {
  const damaged: string[] = [];
  const cache = new TrialCache(join(root, "rotten"), "cpu", (path) => damaged.push(path));
  const [from, to] = [join(root, "sound"), join(root, "adopted")];
  mkdirSync(from);
  writeCheckpoint(from);
  cache.keepCheckpoint("k", from);
  const files = readdirSync(cache.folder, { recursive: true, encoding: "utf8" });
  const best = join(cache.folder, files.find((name) => name.endsWith("best.safetensors"))!);
  const bytes = readFileSync(best);
  rmSync(best);
  writeFileSync(best, bytes.subarray(0, bytes.length - 1));
  cache.adoptCheckpoint("k", to);
  expect(existsSync(to)).toBe(false);
  expect(damaged).toEqual([best]);
  cache.keepCheckpoint("k", from);
  cache.adoptCheckpoint("k", to);
  expect(readdirSync(to).sort()).toEqual(["best.safetensors", "latest.safetensors"]);
});

test("a checkpoint is shared, not copied, and one that is there stays", () => {
  const cache = new TrialCache(join(root, "checkpoints"), "cpu");
  const [from, to] = [join(root, "from"), join(root, "to")];
  cache.adoptCheckpoint("k", to);
  expect(existsSync(to)).toBe(false);
  mkdirSync(from);
  writeCheckpoint(from);
  cache.keepCheckpoint("k", from);
  cache.adoptCheckpoint("k", to);
  expect(readdirSync(to).sort()).toEqual(["best.safetensors", "latest.safetensors"]);
  const inode = (folder: string) => statSync(join(folder, "best.safetensors")).ino;
  expect(inode(to)).toBe(inode(from));
  rmSync(join(to, "latest.safetensors"));
  writeFileSync(join(to, "latest.safetensors"), "of a run that goes on");
  cache.adoptCheckpoint("k", to);
  expect(readFileSync(join(to, "latest.safetensors"), "utf8")).toBe("of a run that goes on");
});
