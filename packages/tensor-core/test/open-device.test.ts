/** Which device `openDevice` takes, and what it says of it. */
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { create, globals } from "webgpu";
import type { EngineName } from "../src/engines/engine.ts";
import { hasGraphicsDevice } from "../src/engines/webgpu/gpu.ts";
import * as t from "../src/index.ts";
import { describeWebGpu } from "./webgpu-adapter.ts";

const before = process.env.TRIMTAB_ENGINE;
afterEach(() => setEnv(before));
const setEnv = (value: string | undefined) => {
  if (value === undefined) delete process.env.TRIMTAB_ENGINE;
  else process.env.TRIMTAB_ENGINE = value;
};
const refusal = (options: t.OpenDeviceOptions) =>
  t.openDevice(options).then(
    (device) => device.dispose(),
    (error: unknown) => error,
  );

/** 2 x + 1 on the device. */
async function computes(device: t.Device): Promise<void> {
  const x = t.input("x", [4]);
  using program = await device.compile({ outputs: { y: t.add(t.mul(x, 2), 1) } });
  expect(await program.fetch({ x: Float32Array.of(1, 2, 3, 4) })).toEqual({ y: Float32Array.of(3, 5, 7, 9) });
}

describe("without a wish", () => {
  test("a GPU or the cpu engine, never a processor that plays a GPU, and the choice is told", async () => {
    setEnv(undefined);
    using device = await t.openDevice();
    await computes(device);
    const { info, choice } = device;
    expect(info.software).toBe(false);
    if (info.engine === "cpu") expect(choice.why).toMatch(/^(no GPU was found|the only graphics driver)/);
    else expect(choice.why).toContain(`the GPU "${info.adapter}" was found`);
    console.log(`${info.engine}: ${info.adapter}, because ${choice.why}`);
  });

  test("where the system shows no graphics device, no driver is loaded", async () => {
    if (process.platform !== "linux" || existsSync("/dev/dri") || existsSync("/dev/nvidiactl")) {
      console.log("not run: this machine has a graphics device, or does not tell");
      return;
    }
    const script = `const t = await import(${JSON.stringify(import.meta.resolve("../src/index.ts"))});
      const device = await t.openDevice();
      const maps = require("node:fs").readFileSync("/proc/self/maps", "utf8");
      console.log(JSON.stringify([device.info.engine, /dawn|vulkan/i.test(maps)]));
      device.dispose();`;
    const env = { ...process.env, TRIMTAB_ENGINE: "" };
    const child = Bun.spawn([process.execPath, "-e", script], { env, stdout: "pipe", stderr: "pipe" });
    const [out, err] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    expect(JSON.parse(out)).toEqual(["cpu", false]);
    expect(err).toBe("");
  });

  test("an adapter that computes nothing is passed over, and the reason kept", async () => {
    setEnv(undefined);
    await withGpu(create(["backend=null"]), async () => {
      using device = await t.openDevice();
      await computes(device);
      expect(device.info.engine).toBe("cpu");
      expect(device.choice.refused).toBeInstanceOf(t.NoAdapterError);
      expect(device.choice.why).toMatch(/a GPU was found, but it does not work: .*does not compute/);
      expect(await refusal({ engine: "webgpu" })).toBeInstanceOf(t.NoAdapterError);
    });
  });
});

describe("the cpu engine by name", () => {
  test("computes, with the threads asked for", async () => {
    for (const threads of [1, 2]) {
      using device = await t.openDevice({ engine: "cpu", threads });
      expect(device.info).toMatchObject({ engine: "cpu", software: false });
      expect(device.info.adapter).toMatch(threads === 1 ? /\b1 thread$/ : /\b2 threads$/);
      expect(device.choice).toEqual({ why: "the option `engine` asks for it" });
      await computes(device);
    }
  });

  test("keeps to a lower limit", async () => {
    using device = await t.openDevice({ engine: "cpu", maxBindingBytes: 1 << 16 });
    expect(device.info.maxBindingBytes).toBe(1 << 16);
  });

  test.each([0, -1, 1.5, Number.NaN])("%d threads are refused", async (threads) => {
    const error = await refusal({ engine: "cpu", threads });
    expect(error).toBeInstanceOf(t.NoAdapterError);
    expect((error as Error).message).toContain(`no ${threads} threads; give a whole number from 1 up`);
  });

  test("has no adapters to choose from", async () => {
    expect(((await refusal({ engine: "cpu", adapter: "llvmpipe" })) as Error).message).toMatch(
      /"llvmpipe".*belongs to the engine "webgpu".*leave one/,
    );
  });
});

describeWebGpu("the webgpu engine when asked for", () => {
  test("by name: any adapter that computes, a software one too", async () => {
    using device = await t.openDevice({ engine: "webgpu" });
    expect(device.info.engine).toBe("webgpu");
    expect(device.choice.why).toContain("`engine`");
    await computes(device);
  });

  test("by an adapter's name, whatever the environment says", async () => {
    setEnv("cpu");
    using any = await t.openDevice({ engine: "webgpu" });
    const [word] = any.info.adapter.split(/[\s:]/);
    using device = await t.openDevice({ adapter: word! });
    expect(device.info).toMatchObject({ engine: "webgpu", adapter: any.info.adapter });
    expect(device.choice.why).toContain("`adapter`");
  });

  test("by the environment", async () => {
    setEnv("webgpu");
    using device = await t.openDevice();
    expect(device.info.engine).toBe("webgpu");
    expect(device.choice.why).toBe("TRIMTAB_ENGINE asks for it");
  });

  test("a software adapter that is the only one is named in the reason why it is not taken", async () => {
    using asked = await t.openDevice({ engine: "webgpu" });
    if (!asked.info.software) {
      console.log("not run: this machine has a GPU");
      return;
    }
    setEnv(undefined);
    await withGpu(create([]), async () => {
      using device = await t.openDevice();
      expect(device.info.engine).toBe("cpu");
      expect(device.choice.why).toBe(
        `the only graphics driver found is a software one (${asked.info.adapter})`,
      );
      expect(device.choice.refused).toBeUndefined();
    });
  });
});

describe("a wish that cannot be met", () => {
  test("names the engines there are, and where the wish came from", async () => {
    const error = await refusal({ engine: "cuda" as EngineName });
    expect(error).toBeInstanceOf(t.NoAdapterError);
    expect((error as Error).message).toMatch(/no engine "cuda".*`engine`.*"webgpu" or "cpu"/);
    setEnv("gpu");
    expect(((await refusal({})) as Error).message).toMatch(/no engine "gpu".*TRIMTAB_ENGINE/);
    expect(await refusal({ engine: "cpu" })).toBeUndefined();
  });

  test("an empty variable is no wish", async () => {
    setEnv("");
    expect(await refusal({})).toBeUndefined();
  });
});

describe("whether a GPU can be there", () => {
  const machine = (dev: readonly string[], dri: readonly string[] = []) =>
    hasGraphicsDevice((folder) => (folder === "/dev" ? dev : dri), "linux");
  const PLAIN = ["null", "zero", "shm", "tty", "nvme0", "nvidia-caps"];

  test.each([
    ["a render node", [...PLAIN, "dri"], ["renderD128"], true],
    ["a card", [...PLAIN, "dri"], ["by-path", "card0"], true],
    ["NVIDIA's own", [...PLAIN, "nvidia0", "nvidiactl"], [], true],
    ["a Windows host's", [...PLAIN, "dxg"], [], true],
    ["Mali's own", [...PLAIN, "mali0"], [], true],
    ["an empty folder", [...PLAIN, "dri"], [], false],
    ["none", PLAIN, [], false],
  ])("%s", (_, dev, dri, there) => {
    expect(machine(dev, dri)).toBe(there);
  });

  test("where the system does not tell, the driver is asked", () => {
    expect(hasGraphicsDevice(() => undefined, "linux")).toBe(true);
    expect(hasGraphicsDevice(() => [], "darwin")).toBe(true);
    expect(hasGraphicsDevice(() => [], "win32")).toBe(true);
  });
});

/** As in a browser: the runtime has a `navigator.gpu` of its own. */
async function withGpu(gpu: GPU, work: () => Promise<void>): Promise<void> {
  Object.assign(globalThis, globals);
  // Collected, the object takes the process with it.
  KEPT.push(gpu);
  Object.defineProperty(navigator, "gpu", { value: gpu, configurable: true });
  try {
    await work();
  } finally {
    Reflect.deleteProperty(navigator, "gpu");
  }
}
const KEPT: GPU[] = [];
Object.assign(globalThis, { trimtabTestGpus: KEPT });
