/** A small generated dataset and tasks over it, for tests that train. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Dataset, generateDataset, openDataset } from "@trimtab/data";
import { fm, type ModelConfig } from "@trimtab/models";
import { type Device, openDevice } from "@trimtab/tensor-core";
import { Task, type TaskOptions } from "../src/index.ts";

export interface Tiny {
  readonly device: Device;
  readonly data: Dataset;
  makeTask(options: Partial<TaskOptions> & { seed: number }): Task;
  makeFolder(): string;
  close(): void;
}

export async function openTiny(
  rows = 4000,
  model: ModelConfig = fm({ dim: 8, learningRate: 0.01 }),
): Promise<Tiny> {
  const root = mkdtempSync(join(tmpdir(), "trimtab-tiny-"));
  const out = join(root, "log.trimtab");
  await generateDataset({ rows, seed: 11, out });
  const data = await openDataset(out);
  const device = await openDevice();
  let folders = 0;
  return {
    device,
    data,
    makeTask: (options) =>
      new Task({ data, model, device, train: { batch: 512, epochs: 2, scoreBatch: 512 }, ...options }),
    makeFolder: () => join(root, `run-${folders++}`),
    close: () => {
      device.dispose();
      rmSync(root, { recursive: true, force: true });
    },
  };
}
