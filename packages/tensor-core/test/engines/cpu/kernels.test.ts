/** Every kind of kernel against the interpreter, for several numbers of threads. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { openCpu } from "../../../src/engines/cpu/open.ts";
import type { Engine } from "../../../src/engines/engine.ts";
import { kernelLaws, programLaw } from "../kernel-laws.ts";

const engines: Engine[] = [];
beforeAll(async () => {
  for (const threads of [1, 2, 3]) engines.push(await openCpu({ threads }));
});
afterAll(() => {
  for (const engine of engines) engine.dispose();
});

describe("the cpu engine agrees with the interpreter to the bit", () => {
  kernelLaws(() => engines, { map: 150, reduce: 150, matmul: 24, segment: 60, grouped: 80 }, 60_000);
  programLaw(() => engines, { most: 12, runs: 30 }, 60_000);
});

test("nothing is left behind", () => {
  for (const engine of engines) expect(engine.memory()).toEqual({ buffers: 0, bytes: 0 });
});
