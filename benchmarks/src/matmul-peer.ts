/**
 * `bun bench:matmul`: square products on each engine and in PyTorch, in turn, round by round. Where an engine or PyTorch is absent it is
 * left out and named. Writes runs/bench/matmul.json.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { renderTable } from "@trimtab/eval";
import { type Device, type EngineName, openDevice } from "@trimtab/tensor-core";
import { flops, matmulProgram, squareMatmuls } from "./kernels/matmul.ts";
import { median } from "./median.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    python: { type: "string", default: "/usr/bin/python3" },
  },
});
const rounds = Number(values.rounds);
/** Products a round, 30 GFLOP together; their mean is the round's time. */
const repeats = (n: number): number => Math.ceil(30e9 / (2 * n ** 3));
const WARM_UP = 30;
/** Threads of OpenBLAS and llvmpipe look for more work for a while: until they sleep they would take a core from the next. */
const REST_MS = 400;

/** Seconds a product, for each size: one process, so that libraries are warm. */
const TORCH = `
import sys, time, torch
torch.set_num_threads(${navigator.hardwareConcurrency})
for line in sys.stdin:
    n = int(line); a = torch.rand(n, n) - 0.5; b = torch.rand(n, n) - 0.5
    for _ in range(5): a @ b
    r = int(30e9 / (2 * n ** 3)) + 1; start = time.perf_counter()
    for _ in range(r): a @ b
    print((time.perf_counter() - start) / r, flush=True)
`;

type Timed = (n: number) => Promise<number>;

async function engine(name: EngineName): Promise<Timed | string> {
  let device: Device;
  try {
    device = await openDevice({ engine: name });
  } catch (reason) {
    return reason instanceof Error ? reason.message : String(reason);
  }
  const programs = new Map<number, Awaited<ReturnType<typeof matmulProgram>>>();
  for (const c of squareMatmuls) {
    const program = await matmulProgram(device, c);
    programs.set(c.n, program);
    for (let i = 0; i < WARM_UP; i++) program.run();
    await device.idle();
  }
  return async (n) => {
    for (let i = 0; i < 5; i++) programs.get(n)!.run();
    await device.idle();
    const start = performance.now();
    for (let i = 0; i < repeats(n); i++) programs.get(n)!.run();
    await device.idle();
    return (performance.now() - start) / 1000 / repeats(n);
  };
}

function torch(): Timed | string {
  const found = Bun.spawnSync([values.python, "-c", "import torch"], { stderr: "ignore" });
  if (found.exitCode !== 0) return `${values.python} has no PyTorch`;
  const child = Bun.spawn([values.python, "-c", TORCH], { stdin: "pipe", stdout: "pipe" });
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  return async (n) => {
    child.stdin.write(`${n}\n`);
    await child.stdin.flush();
    let line = "";
    while (!line.endsWith("\n")) line += (await lines.read()).value ?? "nothing\n";
    return Number(line);
  };
}

const all: Record<string, Timed | string> = {
  cpu: await engine("cpu"),
  webgpu: await engine("webgpu"),
  PyTorch: torch(),
};
for (const [name, timed] of Object.entries(all))
  if (typeof timed === "string") console.log(`${name} is left out: ${timed}`);
const here = Object.entries(all).filter((e): e is [string, Timed] => typeof e[1] !== "string");
const rows = [];
for (const c of squareMatmuls) {
  const rates = new Map(here.map(([name]) => [name, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, timed] of here) {
      await Bun.sleep(REST_MS);
      rates.get(name)!.push(flops(c) / (await timed(c.n)) / 1e9);
    }
  }
  for (const [name, own] of rates) {
    const ratios = own.map((rate, i) => rate / rates.get("cpu")![i]!);
    rows.push({
      size: c.n,
      name,
      median: median(own),
      least: Math.min(...own),
      most: Math.max(...own),
      ratio: median(ratios),
    });
  }
}
console.log(
  renderTable(rows, [
    { title: "size", value: (r) => String(r.size), align: "right" },
    { title: "on", value: (r) => r.name },
    { title: "GFLOP/s", value: (r) => r.median.toFixed(1), align: "right" },
    { title: "least to most", value: (r) => `${r.least.toFixed(1)} to ${r.most.toFixed(1)}` },
    { title: "of the cpu engine's", value: (r) => r.ratio.toFixed(2), align: "right" },
  ]),
);
const out = resolve("runs/bench/matmul.json");
mkdirSync(dirname(out), { recursive: true });
writeFileSync(out, JSON.stringify({ date: new Date().toISOString(), rounds, rows }, null, 2));
console.log(`\nwritten to ${out}`);
process.exit(0);
