/**
 * A search in a process of its own, to be killed: bun child.ts <data> <folder> <resume> [line]. Prints its schemes as JSON. At the first line
 * that begins with `line` it stands still, so that it cannot get on before it is killed.
 */
import { writeSync } from "node:fs";
import { openDataset } from "@trimtab/data";
import { Task } from "@trimtab/search-core";
import { openDevice } from "@trimtab/tensor-core";
import { adass } from "../src/index.ts";
import { MODEL, QUICK } from "./tiny.ts";

const [path, folder, resume, line] = process.argv.slice(2) as [string, string, string, string?];
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
    if (event.kind !== "progress") return;
    const told = `${event.what} ${event.done}`;
    writeSync(1, `${told}\n`);
    if (line && told.startsWith(line)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  },
});
console.log(`found ${JSON.stringify(found.map(({ scheme }) => scheme.dims))}`);
