// Whole numbers beyond 2^31 in onnxruntime: addresses of a large mask and words of an index are such.
import { expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { Graph, type Value } from "../../src/onnx/graph.ts";
import { Ops } from "../../src/onnx/ops.ts";
import { SEED } from "../support/setting.ts";

setDefaultTimeout(60_000);

type Of<T> = (o: T, a: Value, b: Value) => Value;
const flag = (o: Ops, x: Value) => o.graph.cast(x, "i64");

/** Math.min and Math.max know no bigint. */
const pick = (first: boolean, a: bigint, b: bigint) => (first ? a : b);

/** What graphs ask of onnxruntime, and what it is. b is above 0. */
const operators: Record<string, readonly [Of<Ops>, (a: bigint, b: bigint) => bigint]> = {
  add: [(o, a, b) => o.add(a, b), (a, b) => a + b],
  sub: [(o, a, b) => o.sub(a, b), (a, b) => a - b],
  div: [(o, a, b) => o.div(a, b), (a, b) => a / b],
  mod: [(o, a, b) => o.mod(a, b), (a, b) => a % b],
  min: [(o, a, b) => o.min(a, b), (a, b) => pick(a < b, a, b)],
  max: [(o, a, b) => o.max(a, b), (a, b) => pick(a < b, b, a)],
  bits: [(o, a, b) => o.bits(a, b), (a, b) => a & b],
  xor: [(o, a, b) => o.xor(a, b), (a, b) => a ^ b],
  less: [(o, a, b) => flag(o, o.less(a, b)), (a, b) => (a < b ? 1n : 0n)],
  equal: [(o, a, b) => flag(o, o.equal(a, b)), (a, b) => (a === b ? 1n : 0n)],
  "less than a constant": [(o, a) => flag(o, o.less(a, 2 ** 31)), (a) => (a < 2n ** 31n ? 1n : 0n)],
  "at most a constant": [(o, a) => o.min(a, 2 ** 31 + 1), (a) => (a < 2n ** 31n + 1n ? a : 2n ** 31n + 1n)],
  "at least 0": [(o, a) => o.max(a, 0), (a) => a],
  "times 3": [(o, a) => o.mul(a, 3), (a) => a * 3n],
};

test("law: every operator on whole numbers up to 2^40 is what it says", async () => {
  const graph = new Graph();
  const o = new Ops(graph);
  const [a, b] = [graph.input("a", "i64", []), graph.input("b", "i64", [])];
  for (const [name, [build]] of Object.entries(operators)) graph.output(name, "i64", build(o, a, b));
  const { model } = graph.encode({ version: "0", doc: "", metadata: {}, externalName: "none" });
  const session = await InferenceSession.create(model, { intraOpNumThreads: 1 });
  const near = (power: number) => fc.bigInt({ min: 2n ** BigInt(power) - 3n, max: 2n ** BigInt(power) + 3n });
  const number = fc.oneof(
    fc.bigInt({ min: 0n, max: 9n }),
    near(24),
    near(31),
    near(32),
    near(40),
    fc.bigInt({ min: 0n, max: 2n ** 40n }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(number, number), { minLength: 1, maxLength: 40 }), async (pairs) => {
      const left = pairs.map(([x]) => x);
      const right = pairs.map(([, y]) => y + 1n);
      const fed = (list: bigint[]) => new Tensor("int64", BigInt64Array.from(list), [list.length]);
      const found = await session.run({ a: fed(left), b: fed(right) });
      for (const [name, [, plain]] of Object.entries(operators)) {
        expect([name, ...(found[name]!.data as BigInt64Array)]).toEqual([
          name,
          ...left.map((x, i) => plain(x, right[i]!)),
        ]);
      }
    }),
    { seed: SEED, numRuns: 100 },
  );
  await session.release();
});
