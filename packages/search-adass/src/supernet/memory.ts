/** What a supernet will take on the device, told before it is allocated. */
import { uniform } from "@trimtab/embeddings";
import type { ModelConfig } from "@trimtab/models";
import { baseDim, type Task } from "@trimtab/search-core";
import type { Device, Variable } from "@trimtab/tensor-core";
import type { Settings } from "../settings.ts";
import { openStage } from "./stage.ts";

export interface SupernetMemory {
  /** Bytes of the supernet: model, tables of all sizes, maps, moments. */
  readonly supernet: number;
  /** Bytes of its optimizer. */
  readonly optimizer: number;
  /** Bytes of the sample's vectors, all sizes of all fields, while paths are scored. 0: they are not kept. */
  readonly cache: number;
  /** Bytes at most at any time; temporaries of programs come on top. */
  readonly most: number;
}

const VALUE = 4;

/** Bytes of the sample's vectors if they are kept: one a row, slot and size above 0. */
export function cacheBytesOf(
  { fields }: Pick<Task, "fields">,
  dim: number,
  settings: Pick<Settings, "candidates">,
  rows: number,
): number {
  const slots = fields.reduce((n, f) => n + f.slots, 0);
  const sizes = settings.candidates.filter((d) => d > 0).length;
  return rows * slots * sizes * dim * VALUE;
}

/**
 * Builds the very supernet over fields of one row each, and counts: whatever has a number a row (tables and their optimizer's state)
 * grows with the rows, the rest is as it will be. So the estimate knows every model there is, and cannot drift from what is built.
 */
export async function estimateMemory(
  task: Pick<Task, "device" | "model" | "fields" | "seed">,
  settings: Settings,
  sampleRows: number,
): Promise<SupernetMemory> {
  const { device, model, fields, seed } = task;
  const small = uniform(
    fields.map((f) => ({ ...f, rows: 1 })),
    baseDim(model),
  );
  const rows = fields.reduce((n, f) => n + f.rows, 0) / fields.length;
  const { supernet, optimizer } = await measure(device, { model, uniform: small, seed }, settings, rows);
  const whole = cacheBytesOf(task, baseDim(model), settings, sampleRows);
  // one binding holds them, or none does
  const cache = whole <= Math.min(settings.cacheBytes, device.info.maxBindingBytes) ? whole : 0;
  // paths are scored while the optimizer still is there: epochs of training follow
  return { supernet, optimizer, cache, most: supernet + optimizer + cache };
}

async function measure(
  device: Device,
  task: { model: ModelConfig; uniform: ReturnType<typeof uniform>; seed: number },
  settings: Settings,
  rows: number,
): Promise<Pick<SupernetMemory, "supernet" | "optimizer">> {
  const before = device.memory().variableBytes;
  const stage = await openStage(device, task, settings);
  try {
    const all = device.memory().variableBytes - before;
    const tables = [...stage.model.tableVariables, ...stage.candidates.tables];
    const names = new Set(tables.map((v) => v.name));
    const bytes = (v: Variable, byRow: boolean) => v.size * VALUE * (byRow ? rows : 1);
    let optimizer = 0;
    let optimizerSmall = 0;
    for (const [name, v] of stage.optimizer.state()) {
      optimizer += bytes(v, names.has(name.slice(0, name.lastIndexOf("."))));
      optimizerSmall += bytes(v, false);
    }
    const small = tables.reduce((n, v) => n + bytes(v, false), 0);
    const real = tables.reduce((n, v) => n + bytes(v, true), 0);
    return { supernet: all - optimizerSmall - small + real, optimizer };
  } finally {
    stage.dispose();
  }
}
