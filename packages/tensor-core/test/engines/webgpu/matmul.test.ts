/** Every matmul family against Float64 loops: any shape, strides, batch layout and epilogue; and the same bits twice. */
import { describe, expect, test } from "bun:test";
import { asyncLaw } from "@trimtab/test-support";
import fc from "fast-check";
import { type MatmulFamily, planMatmul } from "../../../src/engines/webgpu/wgsl/matmul.ts";
import type { MatmulKernel } from "../../../src/kernels/ir.ts";
import { describeWebGpu } from "../../webgpu-adapter.ts";
import { build, check, type Layout, type MatmulCase, matmulCases, STRAIGHT } from "../matmul-cases.ts";
import { openMatmulDevice } from "./matmul-device.ts";

const device = await openMatmulDevice();
if (device !== null && device.subgroupSize === undefined) {
  console.warn('the "lanes" matmul is not tested: no subgroups of one size on this adapter');
}

const families: MatmulFamily[] = [
  ...(device?.subgroupSize === undefined ? [] : ["lanes" as const]),
  "registers",
  "tile32",
  "tile64",
];

// The driver takes a second or two to compile a case when the machine is busy.
const TIMEOUT = 300_000;

describeWebGpu("matmul equals a Float64 loop, and repeats bit for bit", () => {
  for (const family of families) {
    test(
      family,
      () =>
        asyncLaw(
          fc.asyncProperty(matmulCases, fc.integer({ min: 1, max: 4 }), async (of, splits) => {
            const { kernel, buffers } = build(of);
            const { subgroupSize } = device!;
            const options = { family, splits, subgroupSize };
            const dispatches = planMatmul(kernel, { software: true }, undefined, options);
            const first = await device!.run(dispatches, buffers);
            check(of, buffers, first);
            const second = await device!.run(dispatches, buffers);
            for (const [id, data] of first) {
              expect(new Uint8Array(second.get(id)!.buffer)).toEqual(new Uint8Array(data.buffer));
            }
          }),
          family.startsWith("tile") && device!.software ? 1 : 15,
        ),
      TIMEOUT,
    );
  }

  const turned: Layout = { ...STRAIGHT, transposed: true };
  const shapes: [string, MatmulCase][] = [
    [
      "the last layer of a tower",
      { batch: 1, m: 300, n: 1, k: 400, a: STRAIGHT, b: STRAIGHT, epilogue: "bias, relu and mask", seed: 1 },
    ],
    [
      "its weights' gradient",
      { batch: 1, m: 40, n: 1, k: 1500, a: turned, b: STRAIGHT, epilogue: "none", seed: 2 },
    ],
    [
      "one number from a long k",
      { batch: 1, m: 1, n: 1, k: 4096, a: STRAIGHT, b: STRAIGHT, epilogue: "none", seed: 3 },
    ],
    [
      "fields projected each by its own matrix",
      {
        batch: 26,
        m: 50,
        n: 16,
        k: 5,
        a: { ...STRAIGHT, batches: "interleaved" },
        b: STRAIGHT,
        epilogue: "none",
        seed: 4,
      },
    ],
    [
      "a gradient of weights, k long",
      {
        batch: 1,
        m: 36,
        n: 50,
        k: 1030,
        a: turned,
        b: STRAIGHT,
        epilogue: "add to output, transposed",
        seed: 5,
      },
    ],
  ];
  for (const [name, of] of shapes) {
    test(
      `${name}, by the families chosen for a processor and for a GPU`,
      async () => {
        const { kernel, buffers } = build(of);
        for (const software of [true, false]) {
          const { subgroupSize } = device!;
          const dispatches = planMatmul(kernel, { software }, undefined, { subgroupSize });
          check(of, buffers, await device!.run(dispatches, buffers));
        }
      },
      TIMEOUT,
    );
  }
});

describe("which matmul is chosen", () => {
  const of = (m: number, n: number, k: number): MatmulKernel =>
    build({ batch: 1, m, n, k, a: STRAIGHT, b: STRAIGHT, epilogue: "none", seed: 0 }).kernel;

  test("a GPU splits the long k of a small product, in two dispatches that agree on scratch", () => {
    const [product, post, ...rest] = planMatmul(of(160, 400, 4096), { software: false });
    expect(rest).toEqual([]);
    expect(product!.scratchElements).toBe(post!.scratchElements!);
    expect(product!.scratchElements! % (160 * 400)).toBe(0);
  });

  test("a GPU does not split where tiles are many or k is short", () => {
    expect(planMatmul(of(4096, 400, 400), { software: false })).toHaveLength(1);
    expect(planMatmul(of(40, 40, 100), { software: false })).toHaveLength(1);
  });

  test("subgroups are used only where the device has them", () => {
    const uses = (subgroupSize: number | undefined) =>
      planMatmul(of(64, 64, 64), { software: true }, undefined, { subgroupSize })[0]!.wgsl.includes(
        "subgroup",
      );
    expect(uses(8)).toBe(true);
    expect(uses(undefined)).toBe(false);
    expect(uses(128)).toBe(false);
  });
});
