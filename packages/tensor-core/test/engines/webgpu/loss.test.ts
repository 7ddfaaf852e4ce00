/** What a lost device and a disposed engine answer, and that the process ends by itself. */
import { expect, test } from "bun:test";
import { fileURLToPath } from "node:url";
import type { WebGpuEngine } from "../../../src/engines/webgpu/engine.ts";
import { openWebGpu } from "../../../src/engines/webgpu/open.ts";
import { DeviceLost, DisposedError } from "../../../src/errors.ts";
import { describeWebGpu } from "../../webgpu-adapter.ts";
import { accumulate } from "../lists.ts";

describeWebGpu("loss and dispose of the webgpu engine", () => {
  test("a lost device is one clear error, everywhere", async () => {
    const engine = (await openWebGpu()) as WebGpuEngine;
    const sum = engine.allocate(12, "sum");
    const program = await engine.prepare(accumulate(3), [sum]);
    const [before] = program.run(new Uint32Array(3), [2]);
    // The device goes without the engine's doing, as with a driver reset.
    engine.device.destroy();
    const lost = await engine.lost.catch((error: unknown) => error);
    expect(lost).toBeInstanceOf(DeviceLost);
    expect((lost as Error).message).toContain("resume from the last checkpoint");
    const fate = await before!.catch((error: unknown) => error);
    // The read may have been done before the loss.
    expect(fate instanceof DeviceLost || (fate instanceof ArrayBuffer && fate.byteLength === 12)).toBe(true);
    expect(() => program.run(new Uint32Array(3), [])).toThrow(DeviceLost);
    expect(() => engine.allocate(4, "more")).toThrow(DeviceLost);
    expect(() => engine.write(sum, Float32Array.of(1))).toThrow(DeviceLost);
    expect(engine.read(sum)).rejects.toThrow(DeviceLost);
    expect(engine.idle()).rejects.toThrow(DeviceLost);
    program.dispose();
    engine.free(sum);
    engine.dispose();
  });

  test("dispose is no loss; later calls say so", async () => {
    const engine = await openWebGpu();
    let heard = false;
    engine.lost.catch(() => {
      heard = true;
    });
    const sum = engine.allocate(12, "sum");
    const program = await engine.prepare(accumulate(3), [sum]);
    const [read] = program.run(new Uint32Array(3), [2]);
    const fate = read!.catch((error: unknown) => error);
    engine.dispose();
    engine.dispose();
    program.dispose();
    engine.free(sum);
    expect(() => engine.allocate(4, "more")).toThrow(DisposedError);
    const answer = await fate;
    expect(answer instanceof DisposedError || answer instanceof ArrayBuffer).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(heard).toBe(false);
    expect(engine.memory()).toEqual({ buffers: 0, bytes: 0 });
  });

  for (const [way, wanted] of [
    ["disposed", DisposedError],
    ["lost", DeviceLost],
  ] as const) {
    test(`when the device is ${way}, reads that still wait for a staging buffer are refused, not forgotten`, async () => {
      const engine = (await openWebGpu()) as WebGpuEngine;
      const sum = engine.allocate(12, "sum");
      const program = await engine.prepare(accumulate(3), [sum]);
      const reads = Array.from({ length: 300 }, () => program.run(new Uint32Array(3), [2])[0]!);
      const fates = Promise.allSettled([...reads, engine.read(sum), engine.idle()]);
      if (way === "lost") engine.device.destroy();
      else engine.dispose();
      const refused = (await fates).filter((fate) => fate.status === "rejected");
      expect(refused.length).toBeGreaterThan(200);
      expect(refused.every((fate) => fate.reason instanceof wanted)).toBe(true);
      engine.dispose();
    });
  }

  const open = fileURLToPath(new URL("../../../src/engines/webgpu/open.ts", import.meta.url));

  async function processThat(code: string): Promise<{ exit: number; out: string }> {
    const script = `const { openWebGpu } = await import(${JSON.stringify(open)}); const engine = await openWebGpu();
    const buffer = engine.allocate(64, "b"); await engine.read(buffer); ${code}`;
    const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "ignore" });
    const out = await new Response(child.stdout).text();
    return { exit: await child.exited, out };
  }

  test("a process ends by itself after dispose", async () => {
    expect(await processThat("engine.dispose(); Bun.gc(true); console.log('done');")).toEqual({
      exit: 0,
      out: "done\n",
    });
  });

  test("process.exit with a live engine and work under way keeps its exit code", async () => {
    expect(await processThat("engine.read(buffer); process.exit(7);")).toEqual({ exit: 7, out: "" });
  });
});
