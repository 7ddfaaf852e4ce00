/** One body of tests, run on each engine (design section 13). A new engine is one line more. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Device, DisposedError, type EngineName } from "../../src/index.ts";
import { openDevice } from "../../src/open-device.ts";
import { describeWebGpu } from "../webgpu-adapter.ts";
import { nanSuite } from "./nan.ts";
import { opsSuite } from "./ops.ts";
import { programsSuite } from "./programs.ts";

const ENGINES: readonly EngineName[] = ["cpu", "webgpu"];

for (const engine of ENGINES) {
  const suite = engine === "webgpu" ? describeWebGpu : describe;
  suite(engine, () => {
    let device: Device;
    let before: ReturnType<Device["memory"]>;
    beforeAll(async () => {
      device = await openDevice({ engine });
      before = device.memory();
    });

    test("names its adapter", () => {
      expect(device.info.engine).toBe(engine);
      expect(device.info.adapter.length).toBeGreaterThan(0);
      console.log(`${engine}: ${device.info.adapter}${device.info.software ? " (software)" : ""}`);
    });

    opsSuite(() => device);
    programsSuite(() => device);
    nanSuite(() => device);

    test("after all this no variable, no program and no buffer is left", async () => {
      await device.idle();
      const { variables, variableBytes, programs } = device.memory();
      expect({ variables, variableBytes, programs }).toEqual({ variables: 0, variableBytes: 0, programs: 0 });
      expect(device.memory().buffers).toBe(before.buffers);
      expect(device.memory().bytes).toBe(before.bytes);
    });

    afterAll(() => {
      device.dispose();
      device.dispose();
      expect(() => device.memory()).not.toThrow();
      expect(() => device.variable("late", [1])).toThrow(DisposedError);
    });
  });
}
