/** The compiler's law: any program, lowered and run by plain loops, does what its graph means. */
import { describe, expect, test } from "bun:test";
import { law } from "@trimtab/test-support";
import fc from "fast-check";
import { lower } from "../../src/compile/lower.ts";
import * as t from "../../src/index.ts";
import { expectClose, outputList, referenceOf, stageFeeds } from "../graphs/compare.ts";
import { type RandomProgram, randomProgram } from "../graphs/random-graph.ts";
import { interpret } from "../reference/interpret.ts";
import { looseVariable } from "../variables.ts";
import { checkKernels } from "./check-kernels.ts";

/** f32 constants are folded in f32, so that even Float64 runs differ by that much. */
const TOLERANCE = 1e-5;

function expectLowered(program: RandomProgram, maxBuffersPerKernel: number): void {
  const expected = referenceOf(program);
  const { list, variables } = lower(outputList(program), program.updates, { maxBuffersPerKernel });
  checkKernels(list, maxBuffersPerKernel);
  const feeds = stageFeeds(list.feeds, list.buffers[0]!.length, program.feeds);
  const contents = variables.map((v) => Float64Array.from(program.contents.get(v)!));
  const memory = interpret(list, feeds, contents);
  for (const { name, buffer, shape, dtype } of list.outputs) {
    expect(shape).toEqual(program.outputs[name]!.shape);
    expectClose(name, memory[buffer]!, expected.outputs.get(name)!, dtype === "f32" ? TOLERANCE : 0);
  }
  variables.forEach((v, i) => {
    expectClose(`variable ${v.name}`, contents[i]!, expected.variables.get(v)!, TOLERANCE);
  });
}

describe("random programs mean the same lowered as evaluated", () => {
  for (const maxBuffers of [4, 6, 8, 16]) {
    test(`with ${maxBuffers} buffers a kernel`, () =>
      law(
        fc.property(fc.integer(), fc.array(fc.integer(), { minLength: 1, maxLength: 24 }), (seed, steps) =>
          expectLowered(randomProgram(seed, steps, looseVariable), maxBuffers),
        ),
        150,
      ));
  }
});

/** A program of hand-made parts; contents and feeds are 0.1, 0.2, ... so that places are told apart. */
function program(
  parts: { outputs?: Record<string, t.Tensor>; updates?: t.Tensor[] },
  ...variables: t.Variable[]
): RandomProgram {
  const ramp = (n: number) => Float32Array.from({ length: n }, (_, i) => 0.1 * (i + 1));
  const feeds: Record<string, t.HostArray> = {};
  const seen = new Set<t.Tensor>();
  const visit = (node: t.Tensor) => {
    if (seen.has(node)) return;
    seen.add(node);
    if (node.op.kind === "input") feeds[node.op.name] = ramp(t.sizeOf(node.shape));
    node.inputs.forEach(visit);
  };
  const outputs = parts.outputs ?? {};
  const updates = parts.updates ?? [];
  [...Object.values(outputs), ...updates].forEach(visit);
  return {
    outputs,
    updates,
    feeds,
    contents: new Map(variables.map((v, k) => [v, ramp(v.size).map((x) => x + k)])),
  };
}

describe("variables replaced in place", () => {
  const u = looseVariable("u", [3, 3]);
  const v = looseVariable("v", [3, 3]);
  const w = looseVariable("w", [3, 3]);

  test("a swap", () => {
    expectLowered(program({ updates: [t.assign(u, v.value), t.assign(v, u.value)] }, u, v), 8);
  });
  test("a swap by transposition", () => {
    expectLowered(
      program({ updates: [t.assign(u, t.transpose(v.value)), t.assign(v, t.transpose(u.value))] }, u, v),
      8,
    );
  });
  test("a ring of three", () => {
    const updates = [t.assign(u, v.value), t.assign(v, t.mul(w.value, 2)), t.assign(w, t.transpose(u.value))];
    expectLowered(program({ updates }, u, v, w), 8);
  });
  test("a transposed self", () => {
    expectLowered(program({ updates: [t.assign(u, t.transpose(u.value))] }, u), 8);
  });
  test("new content beside old", () => {
    const next = t.assign(u, t.tanh(u.value));
    expectLowered(program({ outputs: { change: t.sub(next, u.value), old: u.value, next } }, u), 8);
  });
  test("every version of a chain beside every other", () => {
    const first = t.assign(u, t.mul(u.value, 2));
    const second = t.assign(u, t.transpose(first), first);
    const third = t.assign(u, t.add(second, u.value), second);
    const outputs = { a: t.matmul(third, first), b: t.sub(t.sum(second), u.value), c: t.add(third, u.value) };
    expectLowered(program({ outputs }, u), 8);
  });
  test("one version assigned twice is refused", () => {
    const twice = [t.assign(u, v.value), t.assign(u, t.mul(v.value, 2))];
    expect(() => lower([], twice, { maxBuffersPerKernel: 8 })).toThrow(
      /"u" is assigned twice from the same version/,
    );
  });
});

describe("what cannot be compiled", () => {
  test("an update that is not an assignment", () => {
    expect(() => lower([], [t.input("x", [2])], { maxBuffersPerKernel: 8 })).toThrow(t.CompileError);
  });
  test("one input name with two shapes", () => {
    const sum = t.add(t.sum(t.input("x", [2])), t.sum(t.input("x", [3])));
    expect(() => lower([{ name: "y", value: sum }], [], { maxBuffersPerKernel: 8 })).toThrow(
      /input "x" is f32 \[2\] in one place and f32 \[3\] in another/,
    );
  });
});

describe("many axes", () => {
  test("up to 8 axes, permuted, folded and broadcast, or refused in words", () => {
    let done = 0;
    const all = [0, 1, 2, 3, 4, 5, 6, 7];
    law(
      fc.property(fc.shuffledSubarray(all, { minLength: 8 }), fc.subarray(all), (order, axes) => {
        const x = t.input("x", [2, 3, 2, 1, 2, 2, 3, 2]);
        const y = t.permute(x, order);
        const z = t.mul(t.sub(y, t.sum(y, axes, { keep: true })), 0.01);
        try {
          expectLowered(program({ outputs: { y, z, f: t.max(z, axes) } }), 8);
          done++;
        } catch (error) {
          // a kernel runs over at most 6 axes that do not merge
          expect(String(error)).toMatch(/^CompileError: .*more than 6 axes that do not merge/);
        }
      }),
      200,
    );
    expect(done).toBeGreaterThan(10);
  });
});

describe("lookups by numbers that were looked up", () => {
  test("a bisection has a few instructions a step, not twice as many at each", () => {
    const keys = looseVariable("keys", [40, 1]);
    const targets = t.input("targets", [5, 3]);
    const keyAt = (place: t.Tensor) => t.reshape(t.gather(keys.value, place), place.shape);
    const steps = 24;
    let low = t.constant(0, "u32", [5, 3]);
    let high = t.constant(40, "u32", [5, 3]);
    for (let step = 0; step < steps; step++) {
      const middle = t.shr(t.add(low, high), 1);
      const right = t.and(t.lt(low, high), t.lt(keyAt(t.minimum(middle, 39)), t.mul(targets, 1.5)));
      low = t.where(right, t.add(middle, 1), low);
      high = t.where(right, high, middle);
    }
    const found = program({ outputs: { low } }, keys);
    expectLowered(found, 8);
    const { list } = lower(outputList(found), [], { maxBuffersPerKernel: 8 });
    const counts = list.kernels.map((k) => (k.kind === "map" ? k.instrs.length : Number.NaN));
    expect(counts.reduce((n, c) => n + c, 0)).toBeLessThan(12 * steps);
  });
});
