// One small prepared dataset and one trained run for the whole suite, made on first use in a temporary folder.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateDataset } from "@trimtab/data";
import { must } from "./command.ts";

interface Shared {
  readonly folder: string;
  dataset?: Promise<string>;
  run?: Promise<string>;
}

// Test files do not share modules, but they share the process.
const KEY = Symbol.for("trimtab.cli.test");
const holder = globalThis as { [KEY]?: Shared };

function shared(): Shared {
  if (!holder[KEY]) {
    const folder = mkdtempSync(join(tmpdir(), "trimtab-cli-"));
    process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
    holder[KEY] = { folder };
  }
  return holder[KEY];
}

/** A folder for one test. */
export function freshFolder(): string {
  return mkdtempSync(join(shared().folder, "test-"));
}

/** 2,400 generated rows in four fields; 2,000 train, 200 validate, 200 test. */
export function dataset(): Promise<string> {
  const all = shared();
  all.dataset ??= make(join(all.folder, "small.trimtab"));
  return all.dataset;
}

async function make(out: string): Promise<string> {
  await generateDataset({
    rows: 2400,
    seed: 5,
    out,
    split: { by: "rows", counts: [2000, 200, 200] },
    fields: [
      { name: "user", values: 60, zipf: 0.5, importance: 1, dim: 2 },
      { name: "item", values: 40, zipf: 0.5, importance: 1, dim: 4 },
      { name: "hour", values: 24, zipf: 0.1, importance: 0.8, dim: 2 },
      { name: "noise", values: 50, zipf: 0.5, importance: 0, dim: 0 },
    ],
  });
  return out;
}

/** Settings under which training takes well under a second; one set for all tests, so that drivers compile it once. */
export const QUICK = [
  "--model",
  "fm",
  "--dim",
  "8",
  "--batch",
  "500",
  "--epochs",
  "3",
  "--lr",
  "0.01",
  "--std",
  "0.05",
];

/** A finished `train` run that tests may read and add to, but not break. */
export function trainedRun(): Promise<string> {
  const all = shared();
  all.run ??= (async () => {
    const run = join(all.folder, "runs", "shared");
    await must(["train", "--data", await dataset(), ...QUICK, "--run", run], { cwd: all.folder });
    return run;
  })();
  return all.run;
}
