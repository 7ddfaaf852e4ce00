// Trains nothing: changes a store and saves it, again and again, until it is killed. Its argument is the file.
import { openDevice, rowAdam, saveTensors } from "@trimtab/tensor-core";
import { Random } from "@trimtab/test-support";
import { ChunkStore } from "../../src/index.ts";

const fields = [
  { name: "user", rows: 50, slots: 1 },
  { name: "tags", rows: 30, slots: 3 },
  { name: "city", rows: 7, slots: 1 },
];
const device = await openDevice({ engine: "cpu", threads: 1 });
const store = await ChunkStore.make(device, {
  fields,
  dim: 8,
  chunks: 4,
  rule: rowAdam({ lr: 0.1 }),
  seed: 1,
});
const random = new Random(1);
for (let i = 0; ; i++) {
  const rows = Uint32Array.of(random.below(87));
  store.resolve({ rows, count: 1, sorted: new Uint32Array(0), offsets: new Uint32Array(2) }, 0);
  saveTensors(process.argv[2]!, await store.capture());
  if (i === 3) console.log("saving");
}
