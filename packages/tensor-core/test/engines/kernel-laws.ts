/** The laws of random kernels, for any engines: every kind, and programs of several, agree with the interpreter to the bit. */
import { test } from "bun:test";
import { asyncLaw, Random } from "@trimtab/test-support";
import fc from "fast-check";
import type { Engine } from "../../src/engines/engine.ts";
import { agree } from "./agree.ts";
import { KernelMaker } from "./random-kernels.ts";

const KINDS = {
  map: (maker: KernelMaker) => maker.addMap(),
  reduce: (maker: KernelMaker) => maker.addReduce(),
  matmul: (maker: KernelMaker) => maker.addMatmul(),
  segment: (maker: KernelMaker) => maker.addSegment(),
  grouped: (maker: KernelMaker) => maker.addGrouped(),
};

/** How many cases of each kind. */
export type KernelRuns = Readonly<Record<keyof typeof KINDS, number>>;

/** One test a kind. `engines` is asked when a test runs. */
export function kernelLaws(engines: () => readonly Engine[], runs: KernelRuns, milliseconds: number): void {
  for (const [kind, add] of Object.entries(KINDS)) {
    test(
      `random ${kind} kernels`,
      async () => {
        await asyncLaw(
          fc.asyncProperty(fc.nat(), async (seed) => {
            const maker = new KernelMaker(new Random(seed));
            add(maker);
            fc.pre(maker.isModest);
            await agree(maker.finish(), ...engines());
          }),
          runs[kind as keyof typeof KINDS],
        );
      },
      milliseconds,
    );
  }
}

/** Programs of two to `most` kernels. */
export function programLaw(
  engines: () => readonly Engine[],
  { most, runs }: { readonly most: number; readonly runs: number },
  milliseconds: number,
): void {
  test(
    "random programs of several kernels",
    async () => {
      await asyncLaw(
        fc.asyncProperty(fc.nat(), fc.integer({ min: 2, max: most }), async (seed, count) => {
          const random = new Random(seed);
          const maker = new KernelMaker(random);
          for (let i = 0; i < count && maker.isModest; i++) random.pick(Object.values(KINDS))(maker);
          fc.pre(maker.isModest);
          await agree(maker.finish(), ...engines());
        }),
        runs,
      );
    },
    milliseconds,
  );
}
