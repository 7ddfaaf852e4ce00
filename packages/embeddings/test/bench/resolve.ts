// What resolving one batch's addresses takes on the host, alone. Not a test.
// Run: bun packages/embeddings/test/bench/resolve.ts [rows of the table] [rows of a batch] [K]
import { openDevice, rowAdam } from "@trimtab/tensor-core";
import { Random } from "@trimtab/test-support";
import { ChunkStore } from "../../src/index.ts";

const ROWS = Number(process.argv[2] ?? 1_000_000);
const UNIQUE = Number(process.argv[3] ?? 40_000);
const chunks = Number(process.argv[4] ?? 4);
const POSITIONS = 4 * UNIQUE;
const device = await openDevice({ engine: "cpu", threads: 1 });
const random = new Random(1);
const fields = [{ name: "f", rows: ROWS, slots: 1 }];

/** Zipf-like unique rows, ascending, each at a few positions. */
function plan() {
  const seen = new Set<number>();
  while (seen.size < UNIQUE) seen.add(Math.min(ROWS - 1, Math.floor(ROWS ** (0.5 + random.next() / 2) - 1)));
  const rows = Uint32Array.from([...seen].sort((a, b) => a - b));
  const sorted = Uint32Array.from({ length: POSITIONS }, (_, p) => (p * 48_271) % POSITIONS);
  return { rows, count: UNIQUE, sorted, offsets: Uint32Array.from({ length: UNIQUE + 1 }, (_, u) => 4 * u) };
}

const plans = Array.from({ length: 10 }, plan);
for (const [share, candidateBytes] of [
  [0, 2 ** 20],
  [0.65, 0],
  [0.65, 4 * 2 ** 20],
  [0.65, 256 * 2 ** 20],
] as const) {
  using store = await ChunkStore.make(device, {
    fields,
    dim: 16,
    chunks,
    rule: rowAdam({ lr: 1e-3 }),
    seed: 1,
    candidateBytes,
    capacity: ROWS * chunks,
  });
  const all = Float64Array.from({ length: ROWS }, (_, row) => row);
  store.resolve(
    { rows: all, count: ROWS, sorted: new Uint32Array(0), offsets: new Uint32Array(ROWS + 1) },
    0,
  );
  const rows: number[] = [];
  const pruned: number[] = [];
  // whole rows seldom: a row's chunks are alike
  for (let row = 0; row < ROWS; row++) {
    const cold = random.next() < share;
    for (let k = 0; k < chunks; k++) {
      if (random.next() < (cold ? 0.95 : 0.05) && share > 0) {
        rows.push(row);
        pruned.push(k);
      }
    }
  }
  store.target = 0;
  const from = performance.now();
  store.adjust({ evict: { rows, chunks: pruned }, restore: { rows: [], chunks: [] } });
  const adjusted = performance.now() - from;
  const times: number[] = [];
  for (let round = 0; round < 80; round++) {
    const before = process.cpuUsage();
    store.resolve(plans[round % plans.length]!, POSITIONS);
    times.push(process.cpuUsage(before).user / 1000);
  }
  const sorted = times.slice(20).sort((a, b) => a - b);
  console.log(
    `${ROWS} rows x ${chunks}, ${UNIQUE} a batch, ${store.live} live, ${store.candidates} candidates: ` +
      `resolve ${sorted[sorted.length >> 1]!.toFixed(2)} ms of processor time (least ${sorted[0]!.toFixed(2)}); ` +
      `pruning ${rows.length} took ${adjusted.toFixed(0)} ms`,
  );
}
device.dispose();
