// An open vocabulary: ids that were never seen before arrive while training and earn chunks; those that fade lose theirs.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type Device, openDevice } from "@trimtab/tensor-core";
import { asyncLaw } from "@trimtab/test-support";
import fc from "fast-check";
import { type PassOptions, pass } from "./stream.ts";

setDefaultTimeout(120_000);

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.dispose());

const common = () =>
  ({ device, fields: 3, dim: 8, chunks: 4, batch: 128, old: 0.1 }) satisfies Partial<PassOptions>;

test("dims of new ids grow, those of old ones shrink, in the same memory", async () => {
  const limit = { unit: "bytes", value: 9_000, text: "9 kB" } as const;
  const { quarters, adjustments } = await pass({
    ...common(),
    old: 0.02,
    // the second half has 94 steps
    gamma: 0.97,
    rows: 24_000,
    ids: 400,
    seed: 3,
    limit,
    period: 8,
    often: 40,
  });
  expect(quarters).toHaveLength(4);
  const [, before, , after] = quarters as [never, (typeof quarters)[0], never, (typeof quarters)[0]];
  // before the shift nobody has seen the new ids
  expect(before.newOften).toBe(0);
  expect(before.newSeldom).toBe(0);
  expect(before.oldOften).toBeGreaterThan(6);
  expect(before.oldOften).toBeGreaterThan(2 * before.oldSeldom);
  expect(after.newOften).toBeGreaterThan(6);
  expect(after.oldOften).toBeLessThan(0.5 * before.oldOften);
  expect(after.oldSeldom).toBeLessThan(0.5 * before.oldSeldom);
  // no more memory than before, but for what the map's slots and the batch arrays round up to
  expect(Math.abs(after.live - before.live)).toBeLessThan(0.03 * before.live);
  expect(after.memory.device.values).toBeLessThan(1.05 * before.memory.device.values);
  expect(adjustments.filter((a) => a.restored > 0).length).toBeGreaterThan(5);
});

test("whatever the stream, no adjustment is above what is due, and live chunks fit into the pool", async () => {
  await asyncLaw(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 2 ** 30 }),
      fc.integer({ min: 5, max: 60 }),
      fc.constantFrom(1, 2, 4),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 300, max: 3000 }),
      async (seed, ids, chunks, period, bytes) => {
        const limit = { unit: "parameters", value: bytes, text: "" } as const;
        const options = { ...common(), chunks, rows: 2600, ids, seed, limit, period, often: 2 };
        const { adjustments, quarters } = await pass(options);
        const most = Math.min(Math.floor(bytes / (8 / chunks)), 3 * (2 * ids + 1) * chunks);
        // the ramp is an eighth of 21 steps
        for (const { step, live, capacity } of adjustments) {
          expect(live).toBeLessThanOrEqual(capacity);
          if (step >= 2) expect(live).toBeLessThanOrEqual(most);
        }
        for (const { live } of quarters) expect(live).toBeLessThanOrEqual(most);
      },
    ),
    6,
  );
});
