// Which engine the command takes, what doctor says of it, and the options that choose.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { parseResultRow } from "@trimtab/eval";
import { must, trimtab } from "./support/command.ts";
import { dataset, freshFolder, QUICK } from "./support/data.ts";
import { free, hidden, missing, withAdapter } from "./support/engines.ts";

setDefaultTimeout(120_000);
const cwd = freshFolder();
interface Doctor {
  readonly ok: boolean;
  readonly why: string;
  readonly adapters: readonly { readonly name: string; readonly backend: string }[];
  readonly device: { readonly engine: string; readonly adapter: string; readonly software: boolean };
  readonly engines: readonly {
    readonly engine: string;
    readonly adapter: string;
    readonly used: boolean;
    readonly selfTest: string;
    readonly info: { readonly software: boolean };
    readonly timings: Record<"matmul" | "trainRows" | "step", number>;
    readonly memory: { readonly variables: number; readonly programs: number };
  }[];
}
const doctor = async (args: readonly string[], env: Readonly<Record<string, string>>) => {
  const { out, err } = await must(["doctor", "--json", ...args], { cwd, env });
  return { ...(JSON.parse(out) as Doctor), err };
};

/** With nothing chosen; it tests and times every engine, so it is run once. */
let plain: ReturnType<typeof doctor> | undefined;
const plainDoctor = () => (plain ??= doctor([], free));

describe("doctor", () => {
  test("takes a GPU or the cpu engine, says why, and tests and times every engine", async () => {
    const found = await plainDoctor();
    expect(found.device.software).toBe(false);
    expect(found.why).toStartWith(`Used: ${found.device.engine}, ${found.device.adapter}, because `);
    expect(found.engines[0]).toMatchObject({ used: true, engine: found.device.engine });
    expect(found.engines.filter(({ used }) => used)).toHaveLength(1);
    expect(found.engines.map(({ engine }) => engine)).toContain("cpu");
    if (missing === undefined) expect(found.engines.map(({ engine }) => engine)).toContain("webgpu");
    for (const { selfTest, timings, memory } of found.engines) {
      expect(selfTest).toBe("passed");
      for (const name of ["matmul", "trainRows", "step"] as const) expect(timings[name]).toBeGreaterThan(0);
      expect(memory).toMatchObject({ variables: 0, programs: 0 });
    }
    expect(found.err).toBe("");
  });

  withAdapter("TRIMTAB_ENGINE=webgpu takes an adapter, and shows the cpu beside it", async () => {
    const { out } = await must(["doctor"], { cwd, env: { TRIMTAB_ENGINE: "webgpu" } });
    expect(out).toMatch(/^Used: webgpu, /m);
    expect(out).toContain("--engine cpu computes on the processor's cores");
    const { engines } = await plainDoctor();
    if (engines.find(({ engine }) => engine === "webgpu")!.info.software)
      expect(out).toContain("for testing only");
  });

  withAdapter("--adapter takes the adapter of that name, a software one too", async () => {
    const { adapters } = await plainDoctor();
    if (adapters.length === 0) {
      console.log("not run: this platform lists no adapters");
      return;
    }
    const found = await doctor(["--adapter", adapters[0]!.name.split(" ")[0]!], free);
    expect(found.device.engine).toBe("webgpu");
    expect(found.why).toContain("the option `adapter` asks for it");
    expect(found.engines.map(({ engine, used }) => [engine, used])).toContainEqual(["cpu", false]);
    if (found.device.software) expect(found.why).toContain("software");
  });

  test("without any driver the cpu engine is used, and one sentence says how to get the other", async () => {
    if (process.platform !== "linux") {
      console.log("not run: only on Linux can a driver be hidden from a process");
      return;
    }
    const { out, err } = await must(["doctor"], { cwd, env: hidden });
    expect(out).toMatch(/^Used: cpu, .*, because no GPU was found/m);
    expect(out).toMatch(/The webgpu engine needs a GPU with its driver .*mesa-vulkan-drivers and libvulkan1/);
    expect(out).not.toContain("(software)");
    expect(err).toBe("");
  });

  test("an engine that was asked for and is not there is an error that says what to install", async () => {
    if (process.platform !== "linux") {
      console.log("not run: only on Linux can a driver be hidden from a process");
      return;
    }
    const { code, out, err } = await trimtab(["doctor", "--engine", "webgpu"], { cwd, env: hidden });
    expect(code).toBe(1);
    expect(out).toContain("none listed");
    expect(err).toMatch(/^error: .*adapter.*install a driver/);
    expect(err.split("\n")).toHaveLength(1);
  });
});

describe("the options that choose", () => {
  test("the row of a run names engine, adapter and threads", async () => {
    for (const threads of [1, 2]) {
      const run = `threads-${threads}`;
      const train = ["train", "--data", await dataset(), ...QUICK, "--run", run, "--json"];
      const { out } = await must([...train, "--engine", "cpu", "--threads", String(threads)], {
        cwd,
        env: free,
      });
      const row = parseResultRow(JSON.parse(out));
      expect(row.engine).toBe("cpu");
      expect(row.adapter).toEndWith(threads === 1 ? "1 thread" : "2 threads");
    }
    const weights = (run: string) =>
      Bun.file(join(cwd, run, "checkpoints", "base", "best.safetensors")).bytes();
    expect(await weights("threads-1")).toEqual(await weights("threads-2"));
  });

  withAdapter("--engine goes over TRIMTAB_ENGINE", async () => {
    expect((await doctor(["--engine", "cpu"], { TRIMTAB_ENGINE: "webgpu" })).device.engine).toBe("cpu");
  });

  test.each([
    [["--engine", "cuda"], 2, "Allowed choices are webgpu, cpu"],
    [["--threads", "0"], 2, "Give a whole number from 1 up"],
    [["--engine", "cpu", "--adapter", "x"], 2, "--adapter x is for --engine webgpu"],
    [["--engine", "webgpu", "--threads", "2"], 2, "--threads is for the cpu engine"],
  ])("%j is wrong use", async (args, code, words) => {
    const ran = await trimtab(["doctor", ...args], { cwd, env: free });
    expect(ran.err).toContain(words);
    expect(ran.code).toBe(code);
    expect(ran.out).toBe("");
  });

  test("a misspelt TRIMTAB_ENGINE is named", async () => {
    const ran = await trimtab(["doctor"], { cwd, env: { TRIMTAB_ENGINE: "gpu" } });
    expect(ran.code).toBe(1);
    expect(ran.err).toMatch(/^error: .*no engine "gpu".*TRIMTAB_ENGINE/);
  });

  test.each(["doctor", "train", "search", "retrain", "evaluate", "compare", "demo"])(
    "%s has all of them, with an example",
    async (verb) => {
      const { out } = await must([verb, "--help"], { cwd });
      for (const option of ["--engine <name>", "--threads <n>", "--adapter <name>"])
        expect(out).toContain(option);
      expect(out.replaceAll(/\s+/g, " ")).toContain("for example --engine cpu --threads 2");
    },
  );
});
