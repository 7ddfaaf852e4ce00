/** The Device class: limits, the order of frees, and what a device that is gone answers. */
import { describe, expect, test } from "bun:test";
import type { EngineName } from "../src/engines/engine.ts";
import type { WebGpuEngine } from "../src/engines/webgpu/engine.ts";
import { openWebGpu } from "../src/engines/webgpu/open.ts";
import * as t from "../src/index.ts";
import { describeWebGpu } from "./webgpu-adapter.ts";

const EMPTY = { buffers: 0, bytes: 0, variables: 0, variableBytes: 0, programs: 0 };
/** Bun's `expect(..).rejects` waits in a way that lets no message of a worker in: what needs the cpu engine's threads would hang. */
const errorOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );
const doubled = (x: t.Variable) => ({
  outputs: { y: t.mul(x.value, 2) },
  updates: [t.assign(x, t.add(x.value, 1))],
});

for (const engine of ["cpu", "webgpu"] as const satisfies readonly EngineName[]) {
  const describeEngine = engine === "webgpu" ? describeWebGpu : describe;
  describeEngine(engine, () => deviceSuite(engine));
}

function deviceSuite(engine: EngineName): void {
  describe("a variable over the binding limit", () => {
    test("is refused with its name, its bytes and the limit, and nothing stays behind", async () => {
      using device = await t.openDevice({ engine, maxBindingBytes: 1 << 16 });
      const make = (): t.Variable => device.variable("item table", [1025, 16]);
      expect(make).toThrow(t.BufferTooLarge);
      expect(make).toThrow(/"item table" \[1025, 16\] needs 65600 bytes.*at most 65536 bytes/);
      expect(device.memory()).toEqual(EMPTY);
      expect(() => device.variable("astronomic", [2 ** 40, 2 ** 40])).toThrow(t.BufferTooLarge);
      const fits = device.variable("fits", [1024, 16]);
      expect(device.memory().variableBytes).toBe(1 << 16);
      fits.dispose();
    });

    test("a program that needs such a buffer is refused as well", async () => {
      using device = await t.openDevice({ engine, maxBindingBytes: 1 << 16 });
      const x = device.variable("x", [256]);
      const outer = t.mul(t.reshape(x.value, [256, 1]), x.value);
      expect(await errorOf(device.compile({ outputs: { outer } }))).toBeInstanceOf(t.BufferTooLarge);
      await device.idle();
      expect(device.memory().programs).toBe(0);
      expect(device.memory().buffers).toBe(1);
    });

    test("content that does not fit is refused and frees the variable", async () => {
      using device = await t.openDevice({ engine });
      expect(() => device.variable("x", [2], { data: Float32Array.of(1, 2, 3) })).toThrow(t.FeedError);
      expect(() => device.variable("x", [2], { data: Uint32Array.of(1, 2) })).toThrow(
        /"x" holds 2 f32.*Uint32Array/,
      );
      expect(() => device.variable("x", [1.5])).toThrow(t.ShapeError);
      await device.idle();
      expect(device.memory()).toEqual(EMPTY);
    });
  });

  describe("dispose", () => {
    test("counts go back to zero in whatever order things are freed", async () => {
      for (const order of ["program first", "variable first"]) {
        const device = await t.openDevice({ engine });
        const x = device.variable("x", [4], { data: Float32Array.of(1, 2, 3, 4) });
        const program = await device.compile(doubled(x));
        expect(await program.fetch()).toEqual({ y: Float32Array.of(2, 4, 6, 8) });
        expect([device.memory().variables, device.memory().programs]).toEqual([1, 1]);
        const both = [program, x];
        for (const it of order === "program first" ? both : both.reverse()) it.dispose();
        for (const it of both) it.dispose();
        await device.idle();
        expect(device.memory()).toEqual(EMPTY);
        device.dispose();
      }
    });

    test("of the device frees everything, twice is harmless, and every later call says so", async () => {
      const device = await t.openDevice({ engine });
      const x = device.variable("x", [4]);
      const y = device.variable("y", [4]);
      const program = await device.compile(doubled(x));
      device.dispose();
      device.dispose();
      expect(device.memory()).toEqual(EMPTY);
      expect([x.disposed, y.disposed]).toEqual([true, true]);
      program.dispose();
      x.dispose();
      expect(() => device.variable("z", [1])).toThrow(t.DisposedError);
      expect(() => x.write(Float32Array.of(1))).toThrow(t.DisposedError);
      expect(() => x.read()).toThrow(t.DisposedError);
      expect(() => program.run()).toThrow(/program was disposed/);
      expect(await errorOf(program.fetch())).toBeInstanceOf(t.DisposedError);
      expect(await errorOf(device.compile({}))).toBeInstanceOf(t.DisposedError);
      expect(() => device.idle()).toThrow(/device was disposed; open a new one/);
    });

    test("while a program is being compiled is an error of the compile, not a crash", async () => {
      const device = await t.openDevice({ engine });
      const x = device.variable("x", [4]);
      const fate = device.compile(doubled(x)).catch((error: unknown) => error);
      device.dispose();
      expect(await fate).toBeInstanceOf(t.DisposedError);
      expect(device.memory()).toEqual(EMPTY);
    });

    test("a variable of another device, or one that is gone, does not compile", async () => {
      using device = await t.openDevice({ engine });
      using other = await t.openDevice({ engine });
      const foreign = other.variable("foreign", [2]);
      const error = (await errorOf(device.compile(doubled(foreign)))) as Error;
      expect(error.message).toMatch(/"foreign" was disposed or belongs to another device/);
      foreign.dispose();
      expect(await errorOf(other.compile(doubled(foreign)))).toBeInstanceOf(t.DisposedError);
    });
  });
}

describeWebGpu("a lost device", () => {
  test("is one clear error in every call of Device, Program and Variable; dispose still works", async () => {
    const engine = (await openWebGpu()) as WebGpuEngine;
    const device = new t.Device(engine);
    const x = device.variable("x", [4]);
    const program = await device.compile(doubled(x));
    await program.fetch();
    // The device goes without our doing, as with a driver reset.
    engine.device.destroy();
    const loss = await device.lost.catch((error: unknown) => error);
    expect(loss).toBeInstanceOf(t.DeviceLost);
    expect((loss as Error).message).toContain("resume from the last checkpoint");
    expect(() => program.run()).toThrow(t.DeviceLost);
    expect(program.fetch()).rejects.toThrow(t.DeviceLost);
    expect(program.profile()).rejects.toThrow(t.DeviceLost);
    expect(() => x.write(Float32Array.of(1))).toThrow(t.DeviceLost);
    expect(x.read()).rejects.toThrow(t.DeviceLost);
    expect(() => device.variable("more", [1])).toThrow(t.DeviceLost);
    expect(device.compile(doubled(x))).rejects.toThrow(t.DeviceLost);
    expect(device.idle()).rejects.toThrow(t.DeviceLost);
    device.dispose();
    device.dispose();
    expect(device.memory()).toEqual(EMPTY);
  });
});
