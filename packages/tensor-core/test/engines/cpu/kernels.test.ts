/** Every kind of kernel against the interpreter, for several numbers of threads. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { openCpu } from "../../../src/engines/cpu/open.ts";
import type { Engine } from "../../../src/engines/engine.ts";
import { asyncLaw, Random } from "../../laws.ts";
import { agree } from "../agree.ts";
import { KernelMaker } from "../random-kernels.ts";

const engines: Engine[] = [];
beforeAll(async () => {
  for (const threads of [1, 2, 3]) engines.push(await openCpu({ threads }));
});
afterAll(() => {
  for (const engine of engines) engine.dispose();
});

const kinds = {
  map: { add: (maker: KernelMaker) => maker.addMap(), runs: 150 },
  reduce: { add: (maker: KernelMaker) => maker.addReduce(), runs: 150 },
  matmul: { add: (maker: KernelMaker) => maker.addMatmul(), runs: 24 },
  segment: { add: (maker: KernelMaker) => maker.addSegment(), runs: 60 },
};

describe("the cpu engine agrees with the interpreter to the bit", () => {
  for (const [kind, { add, runs }] of Object.entries(kinds)) {
    test(`random ${kind} kernels`, async () => {
      await asyncLaw(
        fc.asyncProperty(fc.nat(), async (seed) => {
          const maker = new KernelMaker(new Random(seed));
          add(maker);
          fc.pre(maker.isModest);
          await agree(maker.finish(), ...engines);
        }),
        runs,
      );
    }, 60_000);
  }

  test("random programs of several kernels", async () => {
    await asyncLaw(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 2, max: 12 }), async (seed, count) => {
        const random = new Random(seed);
        const maker = new KernelMaker(random);
        for (let i = 0; i < count && maker.isModest; i++) random.pick(Object.values(kinds)).add(maker);
        fc.pre(maker.isModest);
        await agree(maker.finish(), ...engines);
      }),
      30,
    );
  }, 60_000);
});

test("nothing is left behind", () => {
  for (const engine of engines) expect(engine.memory()).toEqual({ buffers: 0, bytes: 0 });
});
