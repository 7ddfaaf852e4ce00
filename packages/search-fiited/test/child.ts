/** A search in a process of its own, to be killed: bun child.ts <data> <folder> <resume>. Tells its checkpoints, then its schemes as JSON. */
import { openDataset } from "@trimtab/data";
import { deepfm } from "@trimtab/models";
import { Task } from "@trimtab/search-core";
import { openDevice } from "@trimtab/tensor-core";
import { type ChunkRunNotes, fiited } from "../src/index.ts";

const [path, folder, resume] = process.argv.slice(2) as [string, string, string];
using device = await openDevice({ engine: "cpu" });
const task = new Task({
  data: await openDataset(path),
  model: deepfm({ dim: 8, hidden: [8], learningRate: 0.02, tableOptimizer: "rowAdam", std: 0.01 }),
  device,
  seed: 4,
  // a checkpoint after every step
  train: { batch: 512, epochs: 3, scoreBatch: 512, checkpointSeconds: 1e-9 },
  folder,
  resume: resume === "resume",
});
const { found, notes } = await fiited({ period: 2, ramp: 0.4 }).search(task, {
  budgets: ["20%", "8%"],
  onEvent: (event) => {
    if (event.kind !== "train" || event.event.kind !== "checkpoint") return;
    console.log(`${event.name.replace("fiited ", "")} ${event.event.step}`);
  },
});
const runs = Object.values(notes.runs as Record<string, ChunkRunNotes>);
const adjustments = runs.map((run) => run.adjustments);
console.log(`found ${JSON.stringify([found.map(({ scheme }) => scheme.toJSON()), adjustments])}`);
for (const { trained } of found) await trained!.dispose();
await task.dispose();
