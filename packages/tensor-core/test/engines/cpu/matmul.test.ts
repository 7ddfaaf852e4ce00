/** The packed product against Float64 loops, as whole programs; the same bits twice and on any number of threads. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { asyncLaw } from "@trimtab/test-support";
import fc from "fast-check";
import { openCpu } from "../../../src/engines/cpu/open.ts";
import type { Engine } from "../../../src/engines/engine.ts";
import {
  check,
  epilogues,
  type Layout,
  layouts,
  type MatmulCase,
  matmulCases,
  matmulList,
  STRAIGHT,
} from "../matmul-cases.ts";

const THREADS = [1, 2, 3];
const engines: Engine[] = [];
beforeAll(async () => {
  for (const threads of THREADS) engines.push(await openCpu({ threads }));
});
afterAll(() => {
  for (const engine of engines) engine.dispose();
});

/** What the case's buffers hold after one run. */
async function run(of: MatmulCase, engine: Engine): Promise<Map<number, Float32Array>> {
  const { list, contents } = matmulList(of);
  const buffers = contents.map((data, i) => {
    const buffer = engine.allocate(data.byteLength, `buffer ${i}`);
    engine.write(buffer, data);
    return buffer;
  });
  const program = await engine.prepare(list, buffers);
  try {
    const read = await Promise.all(
      program.run(
        new Uint32Array(0),
        contents.map((_, i) => i),
      ),
    );
    return new Map(read.map((bytes, i) => [i, new Float32Array(bytes)]));
  } finally {
    program.dispose();
    for (const buffer of buffers) engine.free(buffer);
  }
}

async function holds(of: MatmulCase): Promise<void> {
  const before = new Map(matmulList(of).contents.entries());
  const first = await run(of, engines[0]!);
  check(of, before, first);
  for (const engine of engines) {
    const again = await run(of, engine);
    for (const [id, data] of first) {
      expect(Buffer.compare(bytesOf(again.get(id)!), bytesOf(data))).toBe(0);
    }
  }
}

const bytesOf = (data: Float32Array) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

describe("a product equals a Float64 loop, whatever the number of threads", () => {
  test(
    "any shape, strides, batch layout and epilogue",
    () => asyncLaw(fc.asyncProperty(matmulCases, holds), 150),
    60_000,
  );

  const thin = fc.constantFrom(1, 2, 3, 4, 5);
  const small = fc.integer({ min: 1, max: 40 });
  const given = { batch: fc.constantFrom(1, 2), a: layouts, b: layouts, epilogue: epilogues, seed: fc.nat() };
  test(
    "thin in m, n or k: the form without packing, beside the first ones with",
    () =>
      asyncLaw(
        fc.asyncProperty(
          fc.oneof(
            fc.record({ ...given, m: thin, n: small, k: small }),
            fc.record({ ...given, m: small, n: thin, k: small }),
            fc.record({ ...given, m: small, n: small, k: thin }),
          ),
          holds,
        ),
        80,
      ),
    60_000,
  );

  // a block of k is at most 448 deep, a unit of rows at most 48, a panel 8 columns, a register tile 6 rows
  test(
    "around the edges of blocks",
    () =>
      asyncLaw(
        fc.asyncProperty(
          fc.record({
            ...given,
            batch: fc.constant(1),
            m: fc.constantFrom(5, 6, 7, 11, 12, 13, 47, 48, 49, 96, 97, 101),
            n: fc.constantFrom(7, 8, 9, 15, 16, 17, 23, 31, 33),
            k: fc.constantFrom(4, 5, 447, 448, 449, 896, 897, 1021),
          }),
          holds,
        ),
        60,
      ),
    60_000,
  );

  const turned: Layout = { ...STRAIGHT, transposed: true };
  const shapes: Record<string, MatmulCase> = {
    "an empty k is zero everywhere": {
      batch: 2,
      m: 7,
      n: 9,
      k: 0,
      a: STRAIGHT,
      b: STRAIGHT,
      epilogue: "none",
      seed: 1,
    },
    "an empty k, with an epilogue": {
      batch: 1,
      m: 7,
      n: 9,
      k: 0,
      a: turned,
      b: STRAIGHT,
      epilogue: "bias, relu and mask",
      seed: 1,
    },
    "one number": { batch: 1, m: 1, n: 1, k: 1, a: STRAIGHT, b: STRAIGHT, epilogue: "none", seed: 2 },
    "one number from a long k": {
      batch: 1,
      m: 1,
      n: 1,
      k: 4099,
      a: STRAIGHT,
      b: turned,
      epilogue: "none",
      seed: 3,
    },
    "a tower's layer": {
      batch: 1,
      m: 257,
      n: 131,
      k: 401,
      a: STRAIGHT,
      b: STRAIGHT,
      epilogue: "bias, relu and mask",
      seed: 4,
    },
    "its weights' gradient": {
      batch: 1,
      m: 67,
      n: 41,
      k: 1500,
      a: turned,
      b: STRAIGHT,
      epilogue: "add to output, transposed",
      seed: 5,
    },
    "fields projected each by its own matrix": {
      batch: 26,
      m: 50,
      n: 16,
      k: 5,
      a: { ...STRAIGHT, batches: "interleaved" },
      b: STRAIGHT,
      epilogue: "none",
      seed: 6,
    },
    "a matrix for all of the batch, from an odd offset": {
      batch: 3,
      m: 53,
      n: 29,
      k: 31,
      a: { ...STRAIGHT, offset: 3, pad: 1 },
      b: { ...turned, offset: 5, pad: 3, batches: "shared" },
      epilogue: "bias, relu and mask",
      seed: 7,
    },
  };
  for (const [name, of] of Object.entries(shapes)) test(name, () => holds(of), 30_000);
});

test("a NaN in an operand comes out in all of its row", async () => {
  const of: MatmulCase = {
    batch: 1,
    m: 20,
    n: 19,
    k: 17,
    a: STRAIGHT,
    b: STRAIGHT,
    epilogue: "none",
    seed: 8,
  };
  const { list, contents } = matmulList(of);
  const engine = engines[1]!;
  contents[0]![3 * 17 + 5] = Number.NaN;
  const buffers = contents.map((data, i) => {
    const buffer = engine.allocate(data.byteLength, `buffer ${i}`);
    engine.write(buffer, data);
    return buffer;
  });
  const program = await engine.prepare(list, buffers);
  const [bytes] = await Promise.all(program.run(new Uint32Array(0), [3]));
  const found = [...new Float32Array(bytes!)].flatMap((x, i) =>
    Number.isNaN(x) ? [Math.floor(i / 19)] : [],
  );
  expect(found).toEqual(new Array(19).fill(3));
  program.dispose();
  for (const buffer of buffers) engine.free(buffer);
});

test("nothing is left behind", () => {
  for (const engine of engines) expect(engine.memory()).toEqual({ buffers: 0, bytes: 0 });
});
