/** The memory plan: no two values that live at once share memory, and no memory is wasted without need. */
import { describe, expect, test } from "bun:test";
import { law, Random } from "@trimtab/test-support";
import fc from "fast-check";
import { planMemory, renumber } from "../../src/compile/memory-plan.ts";
import type { BufferSpec, Instr, Kernel } from "../../src/kernels/ir.ts";

interface Step {
  readonly loads: readonly number[];
  readonly stores: readonly number[];
}

const view = { offset: 0, strides: [1] };

function kernelOf({ loads, stores }: Step): Kernel {
  const instrs: Instr[] = loads.map((buffer) => ({ op: "load", dtype: "f32", buffer, view }));
  if (instrs.length === 0) instrs.push({ op: "const", dtype: "f32", value: 1 });
  return {
    kind: "map",
    label: "",
    space: [1],
    instrs,
    stores: stores.map((buffer) => ({ buffer, dtype: "f32" as const, view, value: 0 })),
  };
}

/** Random steps: each makes one or two new values from earlier ones. */
function randomSteps(seed: number, n: number): { steps: Step[]; buffers: BufferSpec[] } {
  const random = new Random(seed);
  const buffers: BufferSpec[] = [{ role: "feeds", label: "feeds", length: 4 }];
  const steps: Step[] = [];
  for (let i = 0; i < n; i++) {
    const loads = [
      ...new Set(Array.from({ length: random.whole(0, 3) }, () => random.whole(0, buffers.length - 1))),
    ];
    const stores = Array.from({ length: random.whole(1, 2) }, () => {
      const role = random.next() < 0.8 ? "temporary" : "output";
      buffers.push({ role, label: "", length: random.pick([1, 8, 8, 64, 100]) });
      return buffers.length - 1;
    });
    steps.push({ loads: loads.filter((id) => id < stores[0]!), stores });
  }
  return { steps, buffers };
}

describe("planMemory", () => {
  test("a value read later is not overwritten before", () =>
    law(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 25 }), (seed, n) => {
        const { steps, buffers } = randomSteps(seed, n);
        const kernels = steps.map(kernelOf);
        const plan = planMemory(buffers, kernels);
        const planned = kernels.map((k) => renumber(k, (id) => plan.map.get(id)!));
        // run both: a value is the name of the step that made it
        const before = new Map<number, string>();
        const after = new Map<number, string>();
        kernels.forEach((kernel, at) => {
          const loaded = (k: Kernel, memory: Map<number, string>) =>
            k.kind === "map"
              ? k.instrs.flatMap((i) => (i.op === "load" ? [memory.get(i.buffer) ?? "nothing"] : []))
              : [];
          const first = loaded(kernel, before);
          const second = loaded(planned[at]!, after);
          kernel.stores.forEach((s, i) => {
            before.set(s.buffer, `step ${at} store ${i}`);
            after.set(planned[at]!.stores[i]!.buffer, `step ${at} store ${i}`);
          });
          expect(second).toEqual(first);
          // one kernel never reads and writes, or writes twice, the same memory under two names
          const ids = new Set([...steps[at]!.loads, ...steps[at]!.stores]);
          expect(new Set([...ids].map((id) => plan.map.get(id))).size).toBe(ids.size);
        });
        for (const [id, to] of plan.map) {
          expect(plan.buffers[to]!.length).toBeGreaterThanOrEqual(buffers[id]!.length);
          if (buffers[id]!.role !== "temporary") expect(plan.buffers[to]).toBe(buffers[id]!);
        }
      }),
      200,
    ));

  test("a chain of equal values needs two buffers", () => {
    const buffers: BufferSpec[] = Array.from({ length: 10 }, () => ({
      role: "temporary",
      label: "",
      length: 8,
    }));
    const kernels = buffers.map((_, i) => kernelOf({ loads: i > 0 ? [i - 1] : [], stores: [i] }));
    expect(planMemory(buffers, kernels).buffers.length).toBe(2);
  });

  test("what no kernel touches gets no memory, unless it is not a temporary", () => {
    const roles = ["feeds", "temporary", "output", "variable"] as const;
    const buffers = roles.map((role): BufferSpec => ({ role, label: "", length: 8 }));
    expect(planMemory(buffers, []).buffers.map((b) => b.role)).toEqual(["feeds", "output", "variable"]);
  });
});
