/** Numbers do not depend on how many threads work: the same bits on one, two, three and four. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { asyncLaw } from "@trimtab/test-support";
import fc from "fast-check";
import { openCpu } from "../../../src/engines/cpu/open.ts";
import { Device, type HostArray } from "../../../src/index.ts";
import { runRandom } from "../../graphs/run-random.ts";
import { DeepFmRun } from "../../graphs/train.ts";

const THREADS = [1, 2, 3, 4];
const devices: Device[] = [];
beforeAll(async () => {
  for (const threads of THREADS) devices.push(new Device(await openCpu({ threads })));
});
afterAll(() => {
  for (const device of devices) device.dispose();
});

function expectSameBits(what: string, got: HostArray, wanted: HostArray): void {
  const words = (values: HostArray) => new Uint32Array(values.buffer, values.byteOffset, values.length);
  const [a, b] = [words(got), words(wanted)];
  const at = b.findIndex((word, i) => word !== a[i]);
  if (a.length !== b.length || at >= 0)
    throw new Error(
      `${what}[${at}] is ${got[at]} and ${wanted[at]}, of ${a.length} and ${b.length} elements`,
    );
}

test(
  "random programs",
  () =>
    asyncLaw(
      fc.asyncProperty(
        fc.integer(),
        fc.array(fc.integer(), { minLength: 4, maxLength: 14 }),
        async (seed, steps) => {
          const [one, ...others] = await Promise.all(devices.map((device) => runRandom(device, seed, steps)));
          for (const [i, other] of others.entries()) {
            const threads = THREADS[i + 1];
            for (const [name, values] of other.outputs)
              expectSameBits(`${name} with ${threads} threads`, values, one!.outputs.get(name)!);
            const variables = [...one!.variables.values()];
            [...other.variables].forEach(([{ name }, values], v) => {
              expectSameBits(`variable ${name} with ${threads} threads`, values, variables[v]!);
            });
          }
        },
      ),
      Number(process.env.FC_RUNS ?? 60),
    ),
  60_000,
);

test("thirty steps of a DeepFM: every loss and every variable, moments included", async () => {
  // odd sizes: panels, tiles and chunks all have a rest
  const sizes = { batch: 131, fields: 7, features: 7 * 43, dim: 9, hidden: [37, 22] };
  const runs: { losses: number[]; contents: Map<string, HostArray> }[] = [];
  for (const device of devices) {
    using run = await DeepFmRun.start(device, sizes);
    runs.push({ losses: await run.steps(30), contents: await run.contents() });
  }
  const [one, ...others] = runs;
  expect(one!.losses.every((loss) => Number.isFinite(loss))).toBe(true);
  for (const other of others) {
    expect(other.losses).toEqual(one!.losses);
    for (const [name, values] of other.contents) expectSameBits(name, values, one!.contents.get(name)!);
  }
}, 60_000);

test("nothing is left behind", () => {
  for (const device of devices)
    expect(device.memory()).toMatchObject({ buffers: 0, bytes: 0, variables: 0, programs: 0 });
});
