// First values: host and device draw the same ones, and the formula gives the normal distribution.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Device, openDevice } from "@trimtab/tensor-core";
import { denseDraw, initialise, layoutOf, tableDraw } from "../../src/index.ts";
import { threefry } from "../../src/tables/host-normals.ts";

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.dispose());

test("Threefry-2x32 gives the published words", () => {
  // known answers of Random123 (kat_vectors), 20 rounds: key and counter 0
  expect(threefry(0, 0, 0)).toBe(0x6b200159);
});

test("host and device agree, block by block", async () => {
  const fields = [70, 1, 300].map((rows, i) => ({ name: `f${i}`, rows, slots: 1 }));
  const layout = layoutOf("all", fields);
  const columns = [
    [0, 5],
    [1, 2],
    [3, 4],
  ];
  using host = device.variable("table", [layout.rows, 2]);
  using there = device.variable("table", [layout.rows, 2]);
  await initialise(device, [tableDraw(host, layout, columns, 0.5)], 7);
  await initialise(device, [tableDraw(there, layout, columns, 0.5)], 7, 0);
  const [a, b] = [await host.read(), await there.read()];
  expect(new Set(a).size).toBe(a.length);
  a.forEach((v, i) => {
    expect(Math.abs(v - b[i]!)).toBeLessThan(1e-5);
  });
});

test("the drawn numbers are spread as the normal distribution is", async () => {
  const n = 200_000;
  using weights = device.variable("w", [n]);
  await initialise(device, [denseDraw(weights, 3, 1)], 1);
  const drawn = (await weights.read()) as Float32Array;
  // probabilities of the normal distribution below -2, -1, 0, 1, 2
  const expected: [number, number][] = [
    [-2, 0.0227501319],
    [-1, 0.1586552539],
    [0, 0.5],
    [1, 0.8413447461],
    [2, 0.9772498681],
  ];
  for (const [limit, p] of expected) {
    const share = drawn.reduce((k, v) => k + (v < limit ? 1 : 0), 0) / n;
    expect(Math.abs(share - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / n));
  }
});
