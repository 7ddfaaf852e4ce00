/** A small generated log and tasks over it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Dataset, generateDataset, openDataset } from "@trimtab/data";
import { fm } from "@trimtab/models";
import { Task, type TaskOptions } from "@trimtab/search-core";
import { type Device, openDevice } from "@trimtab/tensor-core";
import type { adass } from "../src/index.ts";

export const MODEL = fm({ dim: 8, learningRate: 0.02, tableOptimizer: "rowAdam", std: 0.01 });

/** A search that is over in a second or two. */
export const QUICK: NonNullable<Parameters<typeof adass>[0]> = {
  candidates: [0, 2, 4, 8],
  epochs: 2,
  iterations: 6,
  paths: 6,
};

export interface Tiny {
  readonly device: Device;
  readonly data: Dataset;
  readonly root: string;
  makeTask(options: Partial<TaskOptions> & { seed: number }): Task;
  makeFolder(): string;
  close(): void;
}

export async function openTiny(rows = 6000): Promise<Tiny> {
  const root = mkdtempSync(join(tmpdir(), "trimtab-adass-"));
  const out = join(root, "log.trimtab");
  await generateDataset({ rows, seed: 5, out });
  const data = await openDataset(out);
  const device = await openDevice({ engine: "cpu" });
  let folders = 0;
  return {
    device,
    data,
    root,
    makeTask: (o) =>
      new Task({ data, model: MODEL, device, train: { batch: 512, epochs: 3, scoreBatch: 512 }, ...o }),
    makeFolder: () => join(root, `run-${folders++}`),
    close: () => {
      device.dispose();
      rmSync(root, { recursive: true, force: true });
    },
  };
}
