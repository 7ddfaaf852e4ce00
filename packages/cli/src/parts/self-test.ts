/** Does a device compute? A few kernels of every kind, on small whole numbers, so that every right answer is exact. */
import { type Device, gather, input, matmul, planInputs, relu, sub, sum } from "@trimtab/tensor-core";

const [ROWS, DIM, COLUMNS, LOOKUPS] = [40, 24, 20, 50] as const;

/** Resolves with nothing where all numbers are right, else with what was wrong, in words. */
export async function selfTest(device: Device): Promise<string | undefined> {
  const table = Float32Array.from({ length: ROWS * DIM }, (_, i) => ((i * 7) % 11) - 5);
  const right = Float32Array.from({ length: DIM * COLUMNS }, (_, i) => ((i * 5) % 7) - 3);
  const ids = Uint32Array.from({ length: LOOKUPS }, (_, i) => (i * 17) % ROWS);
  using a = device.variable("self-test.table", [ROWS, DIM], { data: table });
  using b = device.variable("self-test.matrix", [DIM, COLUMNS], { data: right });
  const rows = gather(a.value, input("ids", [LOOKUPS], "u32"), planInputs("self-test", LOOKUPS));
  const product = matmul(rows, b.value);
  using program = await device.compile({
    outputs: { product, total: sum(product, [1]), kept: relu(sub(rows, 1)) },
  });
  const found = await program.fetch({ ids });

  const due = { product: new Float32Array(LOOKUPS * COLUMNS), total: new Float32Array(LOOKUPS) };
  const kept = new Float32Array(LOOKUPS * DIM);
  for (let i = 0; i < LOOKUPS; i++) {
    const row = table.subarray(ids[i]! * DIM, (ids[i]! + 1) * DIM);
    kept.set(
      row.map((value) => Math.max(0, value - 1)),
      i * DIM,
    );
    for (let j = 0; j < COLUMNS; j++) {
      const value = row.reduce((total, x, k) => total + x * right[k * COLUMNS + j]!, 0);
      due.product[i * COLUMNS + j] = value;
      due.total[i]! += value;
    }
  }
  for (const [name, expected] of Object.entries({ ...due, kept })) {
    const got: ArrayLike<number> = found[name as keyof typeof found];
    const wrong = expected.findIndex((value, i) => value !== got[i]);
    if (wrong >= 0) return `number ${wrong} of "${name}" is ${got[wrong]} where ${expected[wrong]} was due`;
  }
  return undefined;
}
