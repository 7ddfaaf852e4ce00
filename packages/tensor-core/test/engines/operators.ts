/** How near each operator comes to Float64, in both widths, with the hard arguments by name: one body for every engine. */
import { describe, expect, test } from "bun:test";
import { Random, seed } from "@trimtab/test-support";
import type { DType, HostArray } from "../../src/dtype.ts";
import type { Engine } from "../../src/engines/engine.ts";
import type { Instr, KernelList, UnaryName } from "../../src/kernels/ir.ts";
import { unary } from "../reference/evaluate.ts";
import { pointwise } from "./lists.ts";

/** Lanes that a kernel works on at once: engines have a path for four, and one for what is left. */
export type Lanes = 1 | 4;

/** Results of the instructions at every argument (buffer 0), all of them by the path for so many lanes. */
export type Evaluate = (args: HostArray, instrs: readonly Instr[], lanes: Lanes) => Promise<HostArray>;

const line = { offset: 0, strides: [1] };
const load = (dtype: DType): Instr => ({ op: "load", dtype, buffer: 0, view: line });

/** Arguments and the error allowed, relative to the result with `floor` as the least scale. */
const UNARY: Record<UnaryName, { from: number; to: number; error: number; floor: number; extra?: number[] }> =
  {
    neg: { from: -100, to: 100, error: 0, floor: 1 },
    abs: { from: -100, to: 100, error: 0, floor: 1 },
    sign: { from: -100, to: 100, error: 0, floor: 1, extra: [0] },
    floor: { from: -100, to: 100, error: 0, floor: 1, extra: [-1, -0.5, 0, 2] },
    exp: { from: -80, to: 80, error: 2e-5, floor: 1e-30, extra: [0, -1e-3] },
    log: { from: 1e-3, to: 1000, error: 2e-6, floor: 1, extra: [1, 1e-30] },
    log1p: {
      from: -0.99,
      to: 50,
      error: 1e-6,
      floor: 1e-30,
      extra: [0, 1e-7, -1e-7, 1e-4, 1e-20, -0.5, 1, 1e10],
    },
    sqrt: { from: 0, to: 1000, error: 1e-6, floor: 1e-30, extra: [0, 1e-12, 1e12] },
    rsqrt: { from: 1e-3, to: 1000, error: 1e-6, floor: 1e-30, extra: [1e-12, 1e12] },
    recip: { from: 0.01, to: 1000, error: 1e-6, floor: 1e-30, extra: [-3, 1e-20] },
    sigmoid: { from: -30, to: 30, error: 3e-6, floor: 1e-30, extra: [0, 1e4, -1e4] },
    tanh: { from: -5, to: 5, error: 1e-6, floor: 1e-30, extra: [0, 1e-6, -1e-3, 0.6, -0.6, 90, -1e4] },
  };

export function operatorsSuite(engine: () => Engine, results: Evaluate): void {
  describe("unary operators near Float64", () => {
    for (const [name, { from, to, error, floor, extra = [] }] of Object.entries(UNARY)) {
      for (const width of [1, 4] as const) {
        test(`${name}, width ${width}`, async () => {
          const random = new Random(seed);
          const args = Float32Array.from([
            ...extra,
            ...Array.from({ length: 500 }, () => random.between(from, to)),
          ]);
          const got = await results(
            args,
            [load("f32"), { op: "unary", dtype: "f32", name: name as UnaryName, a: 0 }],
            width,
          );
          for (const [i, x] of args.entries()) {
            const wanted = unary(name as UnaryName, x);
            const off = Math.abs(got[i]! - wanted) / Math.max(floor, Math.abs(wanted));
            if (!(off <= error) && got[i] !== wanted) {
              throw new Error(
                `${name}(${x}) gave ${got[i]}, wanted ${wanted}: off by ${off}, allowed ${error}`,
              );
            }
          }
        });
      }
    }
  });

  describe("pow", () => {
    const cases: [number, number, number][] = [
      [2, 10, 1024],
      [-2, 3, -8],
      [-2, 2, 4],
      [-3, 0, 1],
      [0, 0, 1],
      [0, 2, 0],
      [9, 0.5, 3],
      [4, -1, 0.25],
      [-8, 0.5, Number.NaN],
    ];
    for (const [x, y, wanted] of cases) {
      test(`${x} to the ${y}`, async () => {
        const instrs: Instr[] = [
          load("f32"),
          { op: "const", dtype: "f32", value: y },
          { op: "binary", dtype: "f32", name: "pow", a: 0, b: 1 },
        ];
        const got = (await results(Float32Array.of(x), instrs, 4))[0]!;
        if (Number.isNaN(wanted)) expect(got).toBeNaN();
        else expect(Math.abs(got - wanted)).toBeLessThanOrEqual(1e-5 * Math.abs(wanted));
      });
    }

    test("whole numbers wrap", async () => {
      const instrs = (dtype: "i32" | "u32"): Instr[] => [
        load(dtype),
        { op: "const", dtype, value: 5 },
        { op: "binary", dtype, name: "pow", a: 0, b: 1 },
      ];
      expect([...(await results(Int32Array.of(-3, 2, 0), instrs("i32"), 4))]).toEqual([-243, 32, 0]);
      expect([...(await results(Uint32Array.of(65536, 7), instrs("u32"), 1))]).toEqual([0, 16807]);
    });
  });

  describe("whole numbers", () => {
    const two = (dtype: DType, name: "div" | "mod" | "shl" | "shr", b: number): Instr[] => [
      load(dtype),
      { op: "const", dtype, value: b },
      { op: "binary", dtype, name, a: 0, b: 1 },
    ];
    test("division truncates; by zero it is as WGSL says", async () => {
      const args = Int32Array.of(7, -7, 0);
      expect([...(await results(args, two("i32", "div", 2), 4))]).toEqual([3, -3, 0]);
      expect([...(await results(args, two("i32", "mod", 2), 4))]).toEqual([1, -1, 0]);
      expect([...(await results(args, two("i32", "div", 0), 4))]).toEqual([7, -7, 0]);
      expect([...(await results(args, two("i32", "mod", 0), 4))]).toEqual([0, 0, 0]);
    });
    test("shifts take the low five bits", async () => {
      const args = Uint32Array.of(1, 0x80000000);
      expect([...(await results(args, two("u32", "shl", 33), 4))]).toEqual([2, 0]);
      expect([...(await results(args, two("u32", "shr", 33), 1))]).toEqual([0, 0x40000000]);
    });
  });

  describe("constants keep their bits", () => {
    const values = [0.1, 1e-20, 3.4028234663852886e38, -0, 1 / 3, 16777217, Infinity, -Infinity, Number.NaN];
    for (const value of values) {
      test(`${Object.is(value, -0) ? "-0" : value}`, async () => {
        const instrs: Instr[] = [{ op: "const", dtype: "f32", value }];
        const program = await engine().prepare(pointwise(4, instrs), []);
        const [bytes] = await Promise.all(program.run(new Uint32Array(4), [1]));
        program.dispose();
        expect([...new Float32Array(bytes!)]).toEqual(new Array(4).fill(Math.fround(value)));
      });
    }
  });

  test("threefry gives the published vectors", async () => {
    const vectors = [
      [0, 0, 0, 0, 0x6b200159],
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x1cb996fc],
      [0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3, 0xc4923a9c],
    ];
    for (const width of [1, 4] as const) {
      for (const [k0, k1, c0, c1, wanted] of vectors as [number, number, number, number, number][]) {
        const instrs: Instr[] = [
          load("u32"),
          ...[k0, k1, c1].map((value): Instr => ({ op: "const", dtype: "u32", value })),
          { op: "threefry", dtype: "u32", k0: 1, k1: 2, c0: 0, c1: 3 },
        ];
        expect((await results(Uint32Array.of(c0), instrs, width))[0]).toBe(wanted);
      }
    }
  });

  describe("NaN is never hidden", () => {
    const args = Float32Array.of(Number.NaN, 1, Number.NaN, 2, Number.NaN);
    const wanted = [...args].map((x) => Number.isNaN(x));
    const nans = async (instrs: readonly Instr[], lanes: Lanes): Promise<boolean[]> =>
      [...(await results(args, instrs, lanes))].map((x) => Number.isNaN(x));
    for (const lanes of [1, 4] as const) {
      for (const name of ["neg", "abs", "exp", "log1p", "sqrt", "sigmoid", "tanh", "floor"] as const) {
        test(`${name}, width ${lanes}`, async () => {
          expect(await nans([load("f32"), { op: "unary", dtype: "f32", name, a: 0 }], lanes)).toEqual(wanted);
        });
      }
      for (const name of ["add", "mul", "min", "max"] as const) {
        for (const [side, a, b] of [
          ["left", 0, 1],
          ["right", 1, 0],
        ] as const) {
          test(`${name}, on the ${side}, width ${lanes}`, async () => {
            // WGSL lets a compiler take x * 0 for 0
            const half: Instr = { op: "const", dtype: "f32", value: 0.5 };
            expect(
              await nans([load("f32"), half, { op: "binary", dtype: "f32", name, a, b }], lanes),
            ).toEqual(wanted);
          });
        }
      }
    }

    for (const name of ["sum", "max", "min"] as const) {
      // over rows: lanes fold one number each; over columns: each lane a number of its own
      for (const axis of ["rows", "columns"] as const) {
        test(`${name} over ${axis}, wherever the NaN is`, async () => {
          const [rows, columns] = [11, 21];
          const [kept, folded] = axis === "rows" ? [columns, rows] : [rows, columns];
          const strides = axis === "rows" ? [1, columns] : [columns, 1];
          const list: KernelList = {
            buffers: [
              { role: "feeds", label: "feeds", length: rows * columns },
              { role: "output", label: "folded", length: kept },
            ],
            feeds: [],
            outputs: [],
            kernels: [
              {
                kind: "reduce",
                label: "fold",
                space: [kept],
                inner: [folded],
                instrs: [{ op: "load", dtype: "f32", buffer: 0, view: { offset: 0, strides } }],
                folds: [{ name, dtype: "f32", value: 0 }],
                post: [{ op: "acc", dtype: "f32", index: 0 }],
                stores: [{ buffer: 1, dtype: "f32", view: line, value: 0 }],
              },
            ],
          };
          const program = await engine().prepare(list, []);
          try {
            for (let at = 0; at < rows * columns; at++) {
              const feeds = Float32Array.from({ length: rows * columns }, (_, i) => i - 100);
              feeds[at] = Number.NaN;
              const [bytes] = await Promise.all(program.run(new Uint32Array(feeds.buffer), [1]));
              const hit = axis === "rows" ? at % columns : Math.floor(at / columns);
              const found = [...new Float32Array(bytes!)].flatMap((x, i) => (Number.isNaN(x) ? [i] : []));
              expect(found).toEqual([hit]);
            }
          } finally {
            program.dispose();
          }
        });
      }
    }
  });
}
