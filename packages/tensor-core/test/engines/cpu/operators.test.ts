/** The operators as vector code: four lanes at once, and the last one to three elements lane by lane. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Random, seed } from "@trimtab/test-support";
import { type HostArray, viewAs } from "../../../src/dtype.ts";
import { openCpu } from "../../../src/engines/cpu/open.ts";
import type { Engine } from "../../../src/engines/engine.ts";
import type { BinaryName, Instr, UnaryName } from "../../../src/kernels/ir.ts";
import { pointwise } from "../lists.ts";
import { type Lanes, operatorsSuite } from "../operators.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await openCpu({ threads: 2 });
});
afterAll(() => engine.dispose());

/** A step over three elements has no room for a vector: all its work is done lane by lane. */
const SCALAR_STEP = 3;

async function results(args: HostArray, instrs: readonly Instr[], lanes: Lanes): Promise<HostArray> {
  const step = lanes === 4 ? Math.ceil(args.length / 4) * 4 : SCALAR_STEP;
  return stepwise(args, instrs, step);
}

/** The results at all arguments, `step` of them at a time; the last step is filled up with zeros. */
async function stepwise(args: HostArray, instrs: readonly Instr[], step: number): Promise<HostArray> {
  const words = new Uint32Array(Math.ceil(args.length / step) * step);
  words.set(new Uint32Array(args.buffer, args.byteOffset, args.length));
  const got = new Uint32Array(words.length);
  const program = await engine.prepare(pointwise(step, instrs), []);
  try {
    for (let at = 0; at < words.length; at += step) {
      const [bytes] = await Promise.all(program.run(words.slice(at, at + step), [1]));
      got.set(new Uint32Array(bytes!), at);
    }
  } finally {
    program.dispose();
  }
  return viewAs(instrs.at(-1)!.dtype, got.buffer, 0, args.length);
}

operatorsSuite(() => engine, results);

const UNARY: readonly UnaryName[] = [
  "neg",
  "abs",
  "sign",
  "exp",
  "log",
  "log1p",
  "sqrt",
  "rsqrt",
  "recip",
  "sigmoid",
  "tanh",
  "floor",
];
const BINARY: readonly BinaryName[] = ["add", "sub", "mul", "div", "min", "max", "pow", "mod"];

const line = { offset: 0, strides: [1] };
const load: Instr = { op: "load", dtype: "f32", buffer: 0, view: line };

describe("one argument gives the same bits in every lane, in every vector of a turn and lane by lane", () => {
  const random = new Random(seed);
  const args = Float32Array.from([
    ...[0, -0, 1, -1, Infinity, -Infinity, Number.NaN, 1e-45, -1e-45, 3.4e38, 0.5, 2, 1e-20],
    ...Array.from({ length: 30 }, () => random.between(-4, 4)),
    ...Array.from({ length: 20 }, () => random.between(-1, 1) * 10 ** random.between(-30, 30)),
  ]);
  const others = args.map(() => random.between(-3, 3));
  /** The same arguments so many times over, one element further each time: each comes to lie in every lane. */
  const turns = 17;

  async function sameBits(instrs: readonly Instr[]): Promise<void> {
    const long = new Float32Array((args.length + 1) * turns);
    for (let turn = 0; turn < turns; turn++) long.set(args, turn * (args.length + 1));
    const want = new Uint32Array((await stepwise(args, instrs, SCALAR_STEP)).slice().buffer);
    for (const step of [long.length, 4, 19]) {
      const got = new Uint32Array((await stepwise(long, instrs, step)).slice().buffer);
      for (let turn = 0; turn < turns; turn++) {
        want.forEach((bits, i) => {
          const other = got[turn * (args.length + 1) + i]!;
          if (other !== bits && !(isNaN32(other) && isNaN32(bits))) {
            throw new Error(
              `at ${args[i]}: ${float(bits)} lane by lane, ${float(other)} in steps of ${step}`,
            );
          }
        });
      }
    }
  }

  for (const name of UNARY) test(name, () => sameBits([load, { op: "unary", dtype: "f32", name, a: 0 }]));
  for (const name of BINARY) {
    test(name, async () => {
      for (const value of others.slice(0, 2)) {
        await sameBits([
          load,
          { op: "const", dtype: "f32", value },
          { op: "binary", dtype: "f32", name, a: 0, b: 1 },
        ]);
        await sameBits([
          load,
          { op: "const", dtype: "f32", value },
          { op: "binary", dtype: "f32", name, a: 1, b: 0 },
        ]);
      }
    });
  }
});

const isNaN32 = (bits: number): boolean => (bits & 0x7fffffff) > 0x7f800000;
const float = (bits: number): number => new Float32Array(Uint32Array.of(bits).buffer)[0]!;

test("nothing is left behind", () => {
  expect(engine.memory()).toEqual({ buffers: 0, bytes: 0 });
});
