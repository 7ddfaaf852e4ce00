/** A search in a process of its own, to be killed: bun child.ts <data> <folder> <resume>. Prints its schemes as JSON. */
import { openDataset } from "@trimtab/data";
import { Task } from "@trimtab/search-core";
import { openDevice } from "@trimtab/tensor-core";
import { adass } from "../src/index.ts";
import { MODEL, QUICK } from "./tiny.ts";

const [path, folder, resume] = process.argv.slice(2) as [string, string, string];
using device = await openDevice({ engine: "cpu" });
const task = new Task({
  data: await openDataset(path),
  model: MODEL,
  device,
  seed: 4,
  // a checkpoint after every step and every round
  train: { batch: 512, scoreBatch: 512, checkpointSeconds: 1e-9 },
  folder: folder || undefined,
  resume: resume === "resume",
});
const { found } = await adass({ ...QUICK, epochs: 3 }).search(task, {
  budgets: ["40%", "10%"],
  onEvent: (event) => {
    if (event.kind === "progress") console.log(`${event.what} ${event.done}`);
  },
});
console.log(`found ${JSON.stringify(found.map(({ scheme }) => scheme.dims))}`);
