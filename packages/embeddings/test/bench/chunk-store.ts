// What a chunk store costs beside a dense table: resolving addresses on the host, and a whole training step of a DeepFM-like model
// at 0% and 65% pruned, in processor time on one thread (the clock tells little on a busy machine). Not a test. Run: bun packages/embeddings/test/bench/chunk-store.ts [rows of the table] [batch]
import {
  adam,
  add,
  bceWithLogits,
  type Feeds,
  grad,
  input,
  matmul,
  mean,
  mul,
  Optimizer,
  openDevice,
  type Program,
  type RowGradient,
  relu,
  reshape,
  rowAdam,
  square,
  sub,
  sum,
  type Tensor,
  type Variable,
} from "@trimtab/tensor-core";
import { Random } from "@trimtab/test-support";
import {
  buildTables,
  ChunkStoreTables,
  type EmbeddingTables,
  LookupInputs,
  type PlannedBatch,
  uniform,
} from "../../src/index.ts";

const ROWS = Number(process.argv[2] ?? 100_000);
const BATCH = Number(process.argv[3] ?? 4096);
const FIELDS = 39;
const DIM = 16;
const HIDDEN = [400, 400, 400];
const fields = Array.from({ length: FIELDS }, (_, f) => ({
  name: `f${f}`,
  // a few large fields, as in click logs
  rows: Math.max(10, Math.floor((ROWS * 0.5) / 1.6 ** (f % 20))),
  slots: 1,
}));
const positions = BATCH * FIELDS;
const random = new Random(7);

interface Made {
  readonly feeds: Record<string, Uint32Array | Float32Array | number>;
  readonly plan: PlannedBatch;
  readonly ids: Uint32Array;
}

/** A batch of Zipf-like ids with its plan. */
function batch(): Made {
  const ids = new Uint32Array(positions);
  let base = 0;
  fields.forEach(({ rows }, f) => {
    for (let b = 0; b < BATCH; b++)
      ids[b * FIELDS + f] = base + Math.min(rows - 1, Math.floor(rows ** random.next() - 1 + random.next()));
    base += rows;
  });
  const order = Float64Array.from(ids, (id, p) => id * 2 ** 20 + p).sort();
  const sorted = Uint32Array.from(order, (x) => x % 2 ** 20);
  const rows: number[] = [];
  const offsets: number[] = [];
  const pieceOffsets: number[] = [];
  const from: number[] = [];
  const to: number[] = [];
  for (let at = 0; at < positions; ) {
    let end = at;
    while (end < positions && ids[sorted[end]!] === ids[sorted[at]!]) end++;
    rows.push(ids[sorted[at]!]!);
    offsets.push(at);
    pieceOffsets.push(from.length);
    if (end - at > 128)
      for (let p = at; p < end; p += 128) {
        from.push(p);
        to.push(Math.min(end, p + 128));
      }
    at = end;
  }
  offsets.push(positions);
  pieceOffsets.push(from.length);
  const plan = {
    rows: Uint32Array.from(rows),
    count: rows.length,
    sorted,
    offsets: Uint32Array.from(offsets),
  };
  return {
    plan,
    ids,
    feeds: {
      "all.ids": ids,
      "all.sorted": sorted,
      "all.rows": plan.rows,
      "all.offsets": plan.offsets,
      "all.count": plan.count,
      "all.pieceOffsets": Uint32Array.from(pieceOffsets),
      "all.pieceFrom": Uint32Array.from(from),
      "all.pieceTo": Uint32Array.from(to),
      "all.pieceCount": from.length,
      labels: Float32Array.from({ length: BATCH }, () => (random.next() < 0.3 ? 1 : 0)),
    },
  };
}

const device = await openDevice({ engine: "cpu", threads: 1 });

interface Net {
  readonly tables: EmbeddingTables;
  readonly optimizer: Optimizer;
  readonly program: Program<{ loss: Tensor }>;
}

async function net(tables: EmbeddingTables, name: string): Promise<Net> {
  const layers: Variable[] = [];
  let width = FIELDS * DIM;
  for (const next of [...HIDDEN, 1]) {
    const data = Float32Array.from({ length: width * next }, () => (random.next() - 0.5) / Math.sqrt(width));
    layers.push(device.variable(`${name}.w${layers.length}`, [width, next], { data }));
    width = next;
  }
  const rule = rowAdam({ lr: 1e-3 });
  const optimizer = new Optimizer(device, [
    { name: "tables", rule, variables: tables.tableVariables },
    { name: "dense", rule: adam({ lr: 1e-3 }), variables: layers },
  ]);
  const inputs = new LookupInputs(fields, { batch: BATCH, training: true });
  const { projected, live } = tables.lookup(inputs);
  let x = reshape(projected, [BATCH, FIELDS * DIM]);
  layers.forEach((w, i) => {
    x = matmul(x, w.value);
    if (i < HIDDEN.length) x = relu(x);
  });
  const pairs = sum(mul(sub(square(sum(projected, [1])), sum(square(projected), [1])), 0.5), [1]);
  const loss = mean(bceWithLogits(add(reshape(x, [BATCH]), pairs), input("labels", [BATCH])));
  const gradients = [...grad(loss, live ? [...optimizer.parameters, live.touched] : optimizer.parameters)];
  const moved = live ? live.updates(live.rowGradient(gradients.pop() as Tensor) as RowGradient) : [];
  const program = await device.compile({
    outputs: { loss },
    updates: [...optimizer.updates(gradients), ...moved],
  });
  return { tables, optimizer, program };
}

function pick(needs: ReadonlySet<string>, feeds: Feeds): Feeds {
  return Object.fromEntries(Object.entries(feeds).filter(([name]) => needs.has(name)));
}

const times: Record<string, number[]> = {};
const note = (what: string, from: NodeJS.CpuUsage) => {
  times[what] ??= [];
  times[what].push(process.cpuUsage(from).user / 1000);
};
const least = (list: number[]) => Math.min(...list);
const median = (list: number[]) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]!;

async function step(
  what: string,
  { tables, optimizer, program }: Net,
  made: Made,
  timed: boolean,
): Promise<void> {
  const needs = new Set(program.inputs);
  const started = process.cpuUsage();
  const own = tables.live?.feeds({ tables: [{ name: "all", ids: made.ids, plan: made.plan }] }, true) ?? {};
  if (timed && tables.live) note(`${what}: resolve`, started);
  program.run({ ...pick(needs, made.feeds), ...own, ...optimizer.next(needs) });
  await device.idle();
  if (timed) note(`${what}: step`, started);
}

const dense = await net(await buildTables(device, uniform(fields, DIM), { seed: 1 }), "dense");
const rowsInAll = fields.reduce((n, { rows }) => n + rows, 0);
const batches = Array.from({ length: 8 }, batch);
console.log(
  `${rowsInAll} rows, dim ${DIM}, batch ${BATCH} x ${FIELDS} fields, ${Math.round(median(batches.map((b) => b.plan.count)))} unique rows a batch, ${device.info.adapter}`,
);
const nets: [string, Net][] = [["dense", dense]];
for (const chunks of [4, 1]) {
  for (const share of [0, 0.65]) {
    const options = {
      fields,
      dim: DIM,
      chunks,
      rule: rowAdam({ lr: 1e-3 }),
      seed: 1,
      candidateBytes: 4 * 2 ** 20,
    };
    const tables = await ChunkStoreTables.make(device, { ...options, capacity: rowsInAll * chunks });
    const { store } = tables;
    const all = Float64Array.from({ length: rowsInAll }, (_, row) => row);
    const filled = performance.now();
    store.resolve(
      { rows: all, count: all.length, sorted: new Uint32Array(0), offsets: new Uint32Array(all.length + 1) },
      0,
    );
    const rows: number[] = [];
    const pruned: number[] = [];
    all.forEach((row) => {
      for (let k = 0; k < chunks; k++)
        if (random.next() < share) {
          rows.push(row);
          pruned.push(k);
        }
    });
    const adjusted = performance.now();
    store.adjust({ evict: { rows, chunks: pruned }, restore: { rows: [], chunks: [] } });
    await device.idle();
    const shrunk = performance.now();
    await store.shrink();
    const done = performance.now();
    const m = store.memory();
    const whole = rowsInAll * DIM * 4;
    console.log(
      `K ${chunks}, ${share * 100}% pruned: ${store.live} live; all arrive in ${(adjusted - filled).toFixed(0)} ms, ` +
        `adjust ${(shrunk - adjusted).toFixed(0)} ms, shrink ${(done - shrunk).toFixed(0)} ms; ` +
        `payload ${(m.payload / whole).toFixed(3)}, total ${(m.total / (3 * whole)).toFixed(3)} of dense; ${JSON.stringify(m)}`,
    );
    nets.push([`K ${chunks} ${share * 100}%`, await net(tables, `k${chunks}s${share}`)]);
  }
}
for (let round = 0; round < 6; round++) {
  for (const made of batches.slice(0, round === 0 ? 2 : 3))
    for (const [what, one] of nets) await step(what, one, made, round > 0);
}
const base = median(times["dense: step"]!);
const floor = least(times["dense: step"]!);
console.log("median of all, least of all; in dense steps");
for (const [what, list] of Object.entries(times)) {
  const show = (x: number, of: number) => `${x.toFixed(2).padStart(9)} ms ${(x / of).toFixed(3)}`;
  console.log(`${what.padEnd(20)} ${show(median(list), base)} ${show(least(list), floor)}`);
}
if (process.argv.includes("--profile")) {
  for (const [what, one] of nets) {
    const needs = new Set(one.program.inputs);
    const made = batches[0]!;
    const own =
      one.tables.live?.feeds({ tables: [{ name: "all", ids: made.ids, plan: made.plan }] }, true) ?? {};
    const kernels = await one.program.profile({
      ...pick(needs, made.feeds),
      ...own,
      ...one.optimizer.next(needs),
    });
    console.log(what);
    for (const { label, kind, seconds } of kernels) {
      if (seconds > 0.0008) console.log(`  ${(seconds * 1000).toFixed(2)} ms ${kind} ${label}`);
    }
  }
}
device.dispose();
