// The worker of a batch source: fills free ring slots ahead of the training step. Talks in messages only, so that
// the main thread never blocks; a slot is owned by exactly one side at a time.

import { parentPort, workerData } from "node:worker_threads";
import { BatchMaker, type BatchShape, batchCount, type SlotSizes, slotOver } from "./batch-maker.ts";
import type { Columns } from "./columns.ts";
import { permutation } from "./random.ts";

/** What the worker is started with. */
export interface WorkerStart {
  columns: Columns;
  shape: BatchShape;
  ring: SharedArrayBuffer[];
}
/** Main to worker. */
export type ToWorker =
  | { type: "epoch"; token: number; epoch: number; from: number }
  | { type: "slot"; slot: number }
  | { type: "stop" };
/** Worker to main. */
export type FromWorker =
  | { type: "batch"; token: number; slot: number; index: number; sizes: SlotSizes }
  | { type: "failed"; message: string };

const port = parentPort;
if (port) {
  const { columns, shape, ring } = workerData as WorkerStart;
  const maker = new BatchMaker(columns, shape);
  const slots = ring.map((memory) => slotOver(memory, shape, columns.users !== undefined));
  const free = slots.map((_, i) => i);
  const batches = batchCount(columns.rows, shape);
  let run: { token: number; order: Uint32Array | null; next: number } | null = null;
  const send = (message: FromWorker): void => port.postMessage(message);
  port.on("message", (message: ToWorker) => {
    try {
      if (message.type === "slot") free.push(message.slot);
      else if (message.type === "stop") run = null;
      else {
        const order = shape.shuffle ? permutation(columns.rows, shape.seed, message.epoch) : null;
        run = { token: message.token, order, next: message.from };
      }
      while (run && run.next < batches && free.length > 0) {
        const slot = free.shift() as number;
        const sizes = maker.make(run.order, run.next, slots[slot] as (typeof slots)[number]);
        send({ type: "batch", token: run.token, slot, index: run.next++, sizes });
      }
    } catch (error) {
      run = null;
      send({ type: "failed", message: error instanceof Error ? error.message : String(error) });
    }
  });
}
