// Not a test: what making batches and their plans costs in one thread, in nanoseconds a position (a row's slot in the table).
//   bun packages/data/test/bench/batches.ts DATASET_FOLDER [--against OTHER_CHECKOUT] [--batch 4096] [--epochs 4] [--batches 60]
// One table of all fields, shuffled. With --against, the code of another checkout takes turns with this one, batch by batch, and
// what both make is compared. Prints medians (10th to 90th of a hundred) of the first epoch and of those after it.

import { resolve } from "node:path";
import { parseArgs } from "node:util";
import type { BatchShape, Slot } from "../../src/batch-maker.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    against: { type: "string" },
    batch: { type: "string", default: "4096" },
    epochs: { type: "string", default: "4" },
    batches: { type: "string", default: "60" },
  },
});
const [folder] = positionals;
if (!folder) throw new Error("Give a dataset folder");
const batch = Number(values.batch);
const epochs = Number(values.epochs);

const here = resolve(import.meta.dir, "../../src");
const sources = [here, ...(values.against ? [resolve(values.against, "packages/data/src")] : [])];
const codes = await Promise.all(
  sources.map(async (src) => ({
    maker: (await import(`${src}/batch-maker.ts`)) as typeof import("../../src/batch-maker.ts"),
    data: (await import(`${src}/index.ts`)) as typeof import("../../src/index.ts"),
  })),
);
const { openDataset } = codes[0]!.data;
const dataset = await openDataset(folder, { verify: "size" });
const columns = await dataset.load("train");
let rows = 0;
const fields = dataset.fields.map((info, field) => {
  rows += info.rows;
  return { field, base: rows - info.rows };
});
const width = dataset.fields.reduce((sum, { slots }) => sum + slots, 0);
const batches = Math.min(Number(values.batches), Math.floor(columns.rows / batch));
const shape = (plans: boolean): BatchShape => ({
  fields: dataset.fields,
  tables: [{ name: "all", rows, fields }],
  batch,
  seed: 1,
  shuffle: true,
  plans,
});
const RING = 4;
const users = columns.users !== undefined;
const makers = codes.map(({ maker, data }) => {
  const ways = [false, true].map((plans) => {
    const memory = Array.from(
      { length: RING },
      () => new SharedArrayBuffer(maker.slotBytes(shape(plans), users)),
    );
    const slots = memory.map((bytes) => maker.slotOver(bytes, shape(plans), users));
    return { maker: new maker.BatchMaker(columns, shape(plans)), slots };
  });
  return { data, maker, ways };
});

const times = new Map<string, number[]>();
function timed<T>(what: string, positions: number, run: () => T): T {
  const start = performance.now();
  const result = run();
  const found = times.get(what) ?? [];
  found.push(((performance.now() - start) * 1e6) / positions);
  times.set(what, found);
  return result;
}
const whose = (i: number): string => (i === 0 ? "this" : "other");
for (let epoch = 0; epoch < epochs; epoch++) {
  const when = epoch === 0 ? "first epoch" : "later epochs";
  const orders = makers.map(({ data }, i) =>
    timed(`${when}, order, ${whose(i)}`, columns.rows * width, () =>
      data.permutation(columns.rows, 1, epoch),
    ),
  );
  for (let b = 0; b < batches; b++) {
    const made = makers.map(({ maker, ways }, i) =>
      ways.map(({ maker: one, slots }, plans) => {
        const what = `${when}, ${plans ? "rows and plan" : "rows alone"}, ${whose(i)}`;
        const slot = slots[b % RING] as Slot;
        // half an epoch apart, so that neither finds the other's rows near
        const index = plans ? b : (b + Math.floor(batches / 2)) % batches;
        const sizes = timed(what, batch * width, () => one.make(orders[i]!, index, slot));
        return maker.batchOf(slot, shape(plans === 1), sizes, index, epoch, () => {});
      }),
    );
    if (made[1] && !same(made[0], made[1])) throw new Error(`batch ${b} of epoch ${epoch} differs`);
  }
}

/** Equal numbers in equal typed arrays, all the way down; functions apart. */
function same(a: unknown, b: unknown): boolean {
  if (typeof a === "function") return typeof b === "function";
  if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b)) return Buffer.compare(bytes(a), bytes(b)) === 0;
  if (typeof a !== "object" || a === null || typeof b !== "object" || b === null) return a === b;
  const entries = Object.entries(a);
  const others = b as Record<string, unknown>;
  return (
    entries.length === Object.keys(b).length && entries.every(([key, value]) => same(value, others[key]))
  );
}

function bytes({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

console.log(
  `${dataset.name}: ${columns.rows} rows, ${width} slots, table of ${rows} rows, batch ${batch}; ns a position`,
);
for (const [what, found] of times) {
  found.sort((a, b) => a - b);
  const at = (share: number): string => (found[Math.floor(share * (found.length - 1))] as number).toFixed(1);
  console.log(`${what.padEnd(38)} ${at(0.5).padStart(6)} (${at(0.1)} to ${at(0.9)})`);
}
