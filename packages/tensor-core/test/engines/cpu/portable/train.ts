/** What runs everywhere: a tiny FM, trained for twenty steps on the cpu engine through the public API alone. */
import {
  adam,
  add,
  bceWithLogits,
  gather,
  grad,
  input,
  mean,
  mul,
  Optimizer,
  openDevice,
  planInputs,
  reshape,
  rowAdam,
  square,
  sub,
  sum,
} from "../../../../src/index.ts";

export interface Report {
  /** The losses as their 32 bits, so that nothing is lost on the way. */
  readonly losses: readonly number[];
  /** How many worked. */
  readonly threads: number;
}

const [BATCH, FIELDS, ROWS, DIM] = [64, 4, 40, 6];

/** Numbers in [0, 1) that follow from a seed, by whole-number arithmetic only. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}

export async function train(threads: number): Promise<Report> {
  const device = await openDevice({ engine: "cpu", threads });
  const random = numbers(7);
  const start = (length: number) => Float32Array.from({ length }, () => (random.next().value - 0.5) / 4);
  const table = device.variable("table", [ROWS, DIM], { data: start(ROWS * DIM) });
  const linear = device.variable("linear", [ROWS, 1], { data: start(ROWS) });
  const bias = device.variable("bias", [1]);
  const optimizer = new Optimizer(device, [
    { name: "tables", rule: rowAdam({ lr: 0.05 }), variables: [table, linear] },
    { name: "dense", rule: adam({ lr: 0.05 }), variables: [bias] },
  ]);
  const ids = input("ids", [BATCH, FIELDS], "u32");
  const plan = planInputs("plan", BATCH * FIELDS);
  const e = gather(table.value, ids, plan);
  const pairs = mul(sum(sub(square(sum(e, [1])), sum(square(e), [1])), [1]), 0.5);
  const first = reshape(sum(gather(linear.value, ids, plan), [1]), [BATCH]);
  const loss = mean(bceWithLogits(add(add(pairs, first), bias.value), input("labels", [BATCH])));
  const updates = optimizer.updates(grad(loss, optimizer.parameters));
  const program = await device.compile({ outputs: { loss }, updates });
  const losses = new Float32Array(20);
  for (let step = 0; step < losses.length; step++) {
    const rows = Array.from({ length: BATCH * FIELDS }, () => Math.floor(random.next().value * ROWS));
    const labels = Float32Array.from({ length: BATCH }, (_, i) => ((rows[i * FIELDS]! * 7) % 10 < 5 ? 1 : 0));
    const feeds = { ids: Uint32Array.from(rows), labels, ...planOf(rows) };
    const wanted = { ...feeds, ...optimizer.next(new Set(program.inputs)) };
    losses[step] = (await program.fetch(wanted)).loss[0]!;
  }
  const report: Report = {
    losses: [...new Uint32Array(losses.buffer)],
    threads: device.info.threads ?? 0,
  };
  device.dispose();
  return report;
}

/** The batch plan of these rows; no run is long enough for pieces. */
function planOf(rows: readonly number[]): Record<string, Uint32Array | number> {
  const distinct = [...new Set(rows)].sort((a, b) => a - b);
  const sorted: number[] = [];
  const offsets = [0];
  for (const row of distinct) {
    rows.forEach((other, position) => {
      if (other === row) sorted.push(position);
    });
    offsets.push(sorted.length);
  }
  return {
    "plan.sorted": Uint32Array.from(sorted),
    "plan.rows": Uint32Array.from(distinct),
    "plan.offsets": Uint32Array.from(offsets),
    "plan.pieceOffsets": new Uint32Array(offsets.length),
    "plan.pieceFrom": new Uint32Array(0),
    "plan.pieceTo": new Uint32Array(0),
    "plan.count": distinct.length,
    "plan.pieceCount": 0,
  };
}
