/** What a supernet will take on the device, told before it is allocated. */
import { uniform } from "@trimtab/embeddings";
import type { ModelConfig } from "@trimtab/models";
import { baseDim, type Task } from "@trimtab/search-core";
import type { Device, Variable } from "@trimtab/tensor-core";
import { firstLayerOf, type KeptWidths, keptRows } from "../search/kept.ts";
import type { Settings } from "../settings.ts";
import { openStage } from "./stage.ts";

export interface SupernetMemory {
  /** Bytes of the supernet: model, tables of all sizes, maps, moments. */
  readonly supernet: number;
  /** Bytes of its optimizer. */
  readonly optimizer: number;
  /** What is kept of the sample's rows while paths are scored, and its bytes; undefined and 0: nothing. */
  readonly keep: KeptWidths | undefined;
  readonly cache: number;
  /** Bytes at most at any time; temporaries of programs come on top. */
  readonly most: number;
}

const VALUE = 4;

/**
 * What to keep of the sample's rows, within `cacheBytes`: vectors and products with the first layer, or vectors alone, or nothing. Each is
 * one binding of a kernel.
 */
function keepWithin(
  { device, fields }: Pick<Task, "device" | "fields">,
  settings: Settings,
  sampleRows: number,
  widths: KeptWidths,
): { readonly keep: KeptWidths | undefined; readonly cache: number } {
  const rows = keptRows(fields, settings.candidates, sampleRows);
  const choices = [widths, { ...widths, products: 0 }];
  for (const keep of choices) {
    const sizes = [rows * keep.vectors * VALUE, rows * keep.products * VALUE];
    const cache = sizes[0]! + sizes[1]!;
    if (cache <= settings.cacheBytes && Math.max(...sizes) <= device.info.maxBindingBytes) {
      return { keep, cache };
    }
  }
  return { keep: undefined, cache: 0 };
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
  const of = { model, uniform: small, seed };
  const { supernet, optimizer, widths } = await measure(device, of, settings, rows);
  const { keep, cache } = keepWithin(task, settings, sampleRows, widths);
  // paths are scored while the optimizer still is there: epochs of training follow
  return { supernet, optimizer, keep, cache, most: supernet + optimizer + cache };
}

async function measure(
  device: Device,
  task: { model: ModelConfig; uniform: ReturnType<typeof uniform>; seed: number },
  settings: Settings,
  rows: number,
): Promise<Pick<SupernetMemory, "supernet" | "optimizer"> & { readonly widths: KeptWidths }> {
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
    const vectors = stage.model.tables.modelDim;
    const widths = { vectors, products: firstLayerOf(stage.model)?.shape[1] ?? 0 };
    return { supernet: all - optimizerSmall - small + real, optimizer, widths };
  } finally {
    stage.dispose();
  }
}
