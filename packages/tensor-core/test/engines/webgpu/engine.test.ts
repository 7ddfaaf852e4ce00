/** The webgpu engine as an engine: what all engines do, and what it alone does. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Engine } from "../../../src/engines/engine.ts";
import { openWebGpu } from "../../../src/engines/webgpu/open.ts";
import { KernelError, NoAdapterError } from "../../../src/errors.ts";
import { describeWebGpu } from "../../webgpu-adapter.ts";
import { behaviourSuite, LIMIT } from "../behaviour.ts";
import { pointwise } from "../lists.ts";

describeWebGpu("the webgpu engine", () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openWebGpu({ maxBindingBytes: LIMIT });
  });
  afterAll(() => engine.dispose());

  behaviourSuite(() => engine, {
    name: "webgpu",
    granule: 16,
    open: (maxBindingBytes) => openWebGpu({ maxBindingBytes }),
  });

  test("a kernel that cannot be is refused with its name and its text", async () => {
    const before = engine.memory();
    // An integer operator on f32 values: the engine's own compiler is the one to say no.
    const list = pointwise(4, [
      { op: "load", dtype: "f32", buffer: 0, view: { offset: 0, strides: [1] } },
      { op: "binary", dtype: "f32", name: "xor", a: 0, b: 0 },
    ]);
    const error = await engine.prepare(list, []).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(KernelError);
    expect((error as Error).message).toMatch(/Kernel "pointwise" does not compile: line \d+: /);
    expect((error as Error).message).toMatch(/\n +\d+ {2}.*@compute/);
    await engine.idle();
    expect(engine.memory()).toEqual(before);
  });

  test("an adapter that does not exist is refused in one sentence", async () => {
    const error = await openWebGpu({ adapter: "no such adapter" }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(NoAdapterError);
    expect((error as Error).message.split("\n").length).toBe(1);
  });

  test("nothing is left behind", () => {
    expect(engine.memory()).toEqual({ buffers: 0, bytes: 0 });
  });
});
