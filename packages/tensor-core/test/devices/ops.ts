/** Every op on a device against Float64: a few programs of many outputs each, because shaders take long to compile. */
import { describe, test } from "bun:test";
import { Random } from "@trimtab/test-support";
import * as t from "../../src/index.ts";
import type { RandomProgram } from "../graphs/random-graph.ts";
import { makePlan } from "../plans.ts";
import { expectOnDevice, Variables } from "./run.ts";

/** Elementwise f32: the device's own functions may be off by some units in the last place. */
const ELEMENTWISE = 2e-6;
/** Sums of up to some thousands of numbers. */
const SUMS = 2e-5;

export function opsSuite(device: () => t.Device): void {
  const random = new Random(11);
  const numbers = (n: number, low = -3, high = 3) =>
    Float32Array.from({ length: n }, () => random.between(low, high));
  const words = (n: number) => Uint32Array.from({ length: n }, () => random.whole(0, 2 ** 32 - 1));
  const run = (outputs: Record<string, t.Tensor>, feeds: RandomProgram["feeds"], tolerance: number) =>
    expectOnDevice(device(), { outputs, updates: [], feeds, contents: new Map() }, tolerance);

  describe("ops", () => {
    // empty, one, prime, and more than one workgroup
    for (const n of [0, 1, 37, 1031]) {
      test(`unary, ${n} elements`, () => {
        const x = t.input("x", [n]);
        const p = t.input("p", [n]);
        return run(
          {
            neg: t.neg(x),
            abs: t.abs(x),
            sign: t.sign(x),
            exp: t.exp(x),
            log: t.log(p),
            log1p: t.log1p(p),
            sqrt: t.sqrt(p),
            rsqrt: t.rsqrt(p),
            recip: t.recip(p),
            sigmoid: t.sigmoid(x),
            tanh: t.tanh(x),
            floor: t.floor(x),
            relu: t.relu(x),
            softplus: t.softplus(x),
          },
          { x: numbers(n), p: numbers(n, 0.05, 9) },
          ELEMENTWISE,
        );
      });
    }

    test("extremes: no overflow at either end", () => {
      const x = t.input("x", [9]);
      const values = Float32Array.of(-200, -90, -20, -1e-6, 0, 1e-6, 20, 90, 200);
      return run(
        {
          sigmoid: t.sigmoid(x),
          tanh: t.tanh(x),
          softplus: t.softplus(x),
          bce: t.bceWithLogits(x, t.constant(1, "f32", [9])),
          log1p: t.log1p(t.mul(t.abs(x), 1e-7)),
        },
        { x: values },
        ELEMENTWISE,
      );
    });

    test("binary, broadcast both ways", () => {
      const a = t.input("a", [5, 1, 13]);
      const b = t.input("b", [7, 1]);
      return run(
        {
          add: t.add(a, b),
          sub: t.sub(a, b),
          mul: t.mul(a, b),
          div: t.div(a, t.add(t.abs(b), 0.3)),
          min: t.minimum(a, b),
          max: t.maximum(a, b),
          pow: t.pow(t.add(t.abs(a), 0.2), b),
          mod: t.mod(a, t.add(t.abs(b), 1)),
          where: t.where(t.lt(a, b), a, t.neg(b)),
        },
        { a: numbers(65), b: numbers(7) },
        1e-5,
      );
    });

    test("comparisons and integers, bit for bit", () => {
      const a = t.input("a", [67], "u32");
      const b = t.input("b", [67], "u32");
      const x = t.input("x", [67]);
      const small = t.add(t.shr(b, 20), 1);
      const i = t.cast(a, "i32");
      const j = t.cast(b, "i32");
      return run(
        {
          lt: t.lt(a, b),
          le: t.le(a, a),
          gt: t.gt(i, j),
          ge: t.ge(i, j),
          eq: t.eq(a, b),
          ne: t.ne(a, b),
          add: t.add(a, b),
          sub: t.sub(a, b),
          mul: t.mul(a, b),
          div: t.div(a, small),
          mod: t.mod(a, small),
          and: t.and(a, b),
          or: t.or(a, b),
          xor: t.xor(a, b),
          shl: t.shl(a, 7),
          shr: t.shr(a, 9),
          imul: t.mul(i, j),
          idiv: t.div(i, t.cast(small, "i32")),
          imod: t.mod(i, t.cast(small, "i32")),
          ineg: t.neg(i),
          iabs: t.abs(i),
          isign: t.sign(i),
          imin: t.minimum(i, j),
          umax: t.maximum(a, b),
          toInt: t.cast(x, "i32"),
          toWord: t.cast(t.abs(x), "u32"),
          toFloat: t.cast(t.shr(a, 8), "f32"),
          less: t.lt(x, 0.5),
          threefry: t.threefry(a, b, t.iota([67]), 5),
        },
        { a: words(67), b: words(67), x: numbers(67, -900, 900) },
        ELEMENTWISE,
      );
    });

    test("views and concat", () => {
      const x = t.input("x", [4, 6, 5]);
      const y = t.permute(x, [2, 0, 1]);
      return run(
        {
          permute: y,
          reshape: t.reshape(y, [10, 12]),
          slice: t.slice(y, [1, 0, 2], [4, 4, 5]),
          concat: t.concat([y, t.mul(y, 2), t.slice(y, [0, 1, 0], [5, 3, 6])], 1),
          pad: t.pad(t.slice(x, [1, 1, 1], [3, 3, 3]), [0, 2, 1], [3, 5, 4]),
          broadcast: t.broadcastTo(t.slice(x, [0, 0, 0], [4, 1, 5]), [2, 4, 3, 5]),
          empty: t.concat([t.slice(x, [0, 0, 0], [4, 0, 5])], 1),
        },
        { x: numbers(120) },
        0,
      );
    });

    test("folds over inner, outer and all axes, long, prime and empty", () => {
      const x = t.input("x", [3, 65, 7]);
      const long = t.input("long", [4097]);
      const tall = t.input("tall", [1031, 3]);
      const n = t.cast(t.mul(tall, 1000), "i32");
      return run(
        {
          inner: t.sum(x, [2]),
          middle: t.max(x, [1]),
          outer: t.min(x, [0]),
          two: t.mean(x, [0, 2]),
          all: t.sum(x),
          long: t.mul(t.sum(long), 1 / 64),
          most: t.max(long),
          tall: t.mean(t.square(tall), [0], { keep: true }),
          least: t.min(tall),
          isum: t.sum(n),
          imax: t.max(n, [0]),
          umin: t.min(t.cast(n, "u32"), [0]),
          none: t.sum(t.slice(x, [0, 0, 0], [3, 0, 7]), [1]),
        },
        { x: numbers(1365), long: numbers(4097), tall: numbers(3093) },
        SUMS,
      );
    });

    for (const [m, k, n] of [
      [1, 1, 1],
      [5, 7, 3],
      [64, 33, 40],
      [131, 257, 67],
    ] as const) {
      test(`matmul ${m}x${k}x${n}, all transpositions, bias and activation`, () => {
        const a = t.input("a", [m, k]);
        const at = t.transpose(t.input("at", [k, m]));
        const b = t.input("b", [k, n]);
        const bt = t.transpose(t.input("bt", [n, k]));
        const bias = t.input("bias", [n]);
        return run(
          {
            nn: t.matmul(a, b),
            tn: t.matmul(at, b),
            nt: t.matmul(a, bt),
            tt: t.transpose(t.matmul(at, bt)),
            fused: t.relu(t.add(t.matmul(a, b), bias)),
          },
          {
            a: numbers(m * k, -1, 1),
            at: numbers(m * k, -1, 1),
            b: numbers(k * n, -1, 1),
            bt: numbers(k * n, -1, 1),
            bias: numbers(n),
          },
          SUMS,
        );
      });
    }

    test("batched matmul", () => {
      const a = t.input("a", [2, 3, 9, 5]);
      const b = t.input("b", [3, 4, 5]);
      return run(
        {
          c: t.matmul(a, t.transpose(b)),
          d: t.matmul(t.transpose(a), t.slice(a, [0, 0, 0, 1], [2, 3, 9, 4])),
        },
        { a: numbers(270), b: numbers(60) },
        SUMS,
      );
    });

    test("gather, row sums with long runs, rows replaced in place", async () => {
      using variables = new Variables(device());
      const ids = Array.from({ length: 700 }, (_, i) => (i % 3 === 0 ? 4 : random.whole(0, 96)));
      const plan = makePlan("plan", ids);
      const table = variables.make("table", [97, 6]);
      const moment = variables.make("moment", [97, 6]);
      const g = t.input("g", [700, 6]);
      const total = t.segmentSum(t.mul(g, t.gather(table.value, t.input("ids", [700], "u32"))), plan.inputs);
      const m = t.add(t.mul(t.rows(moment.value, plan.inputs), 0.9), total);
      const program: RandomProgram = {
        outputs: { looked: t.gather(table.value, t.input("ids", [700], "u32")), total },
        updates: [
          t.assignRows(table, t.sub(t.rows(table.value, plan.inputs), t.mul(m, 0.1)), plan.inputs),
          t.assignRows(moment, m, plan.inputs),
        ],
        feeds: { ids: Uint32Array.from(ids), g: numbers(4200), ...plan.feeds },
        contents: new Map([
          [table, numbers(582)],
          [moment, numbers(582)],
        ]),
      };
      await expectOnDevice(device(), program, 1e-4);
    });
  });
}
