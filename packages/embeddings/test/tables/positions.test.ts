/** Kept numbers at their own columns: the model sees the masked base vectors exactly. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Device, openDevice } from "@trimtab/tensor-core";
import { buildTables, inheritTables, LookupInputs, perField, uniform } from "../../src/index.ts";

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.dispose());

const fields = [
  { name: "user", rows: 7, slots: 1 },
  { name: "item", rows: 5, slots: 1 },
  { name: "hour", rows: 3, slots: 1 },
];

test("a placed lookup is the base lookup with the dropped columns at zero", async () => {
  const columns = [
    [1, 3],
    [0, 1, 2, 3],
    [2, 3],
  ];
  const scheme = perField(fields, [2, 4, 2], { base: 4, projection: "positions", columns });
  const before = device.memory();
  const base = await buildTables(device, uniform(fields, 4), { seed: 3, std: 1 });
  const small = await buildTables(device, scheme, { seed: 9, std: 1 });
  await inheritTables(base, small);
  const ids = [
    [6, 0, 2],
    [1, 4, 0],
  ];
  const look = async (tables: typeof base) => {
    const inputs = new LookupInputs(fields, { batch: 2, training: false });
    const program = await device.compile({ outputs: { out: tables.lookup(inputs).projected } });
    const feeds = Object.fromEntries(
      tables.layouts.map((layout) => [
        `${layout.name}.ids`,
        Uint32Array.from(ids.flatMap((row) => layout.fields.map(({ field, base: at }) => at + row[field]!))),
      ]),
    );
    const { out } = await program.fetch(feeds);
    program.dispose();
    return out;
  };
  const whole = await look(base);
  const placed = await look(small);
  // `order` says which field each vector of the small tables is
  for (let b = 0; b < 2; b++) {
    small.order.forEach((f, at) => {
      for (let j = 0; j < 4; j++) {
        const expected = columns[f]!.includes(j) ? whole[(b * 3 + f) * 4 + j]! : 0;
        expect(placed[(b * 3 + at) * 4 + j]!).toBe(expected);
      }
    });
  }
  expect(small.bytes).toBe(scheme.serveBytes());
  expect(scheme.parameters).toBe(7 * 2 + 5 * 4 + 3 * 2);
  expect(scheme.serveBytes()).toBe((scheme.parameters + 4) * 4);
  base.dispose();
  small.dispose();
  expect(device.memory()).toEqual(before);
});
