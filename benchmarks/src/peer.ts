/**
 * `bun bench:peer`: training speed beside PyTorch on the same machine, data, model and batch. The two run in turn, so that a
 * machine that slows down slows both; ratios are pair by pair. Where PyTorch is absent, says so and ends well.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { prepare } from "@trimtab/data";
import { renderTable, summarize } from "@trimtab/eval";
import { median } from "./median.ts";

const { values } = parseArgs({
  options: {
    peer: { type: "string", default: "../shared/peers/torch_ctr.py" },
    data: { type: "string", default: "../shared/datasets/frappe-x1" },
    python: { type: "string", default: "/usr/bin/python3" },
    rounds: { type: "string", default: "5" },
    device: { type: "string", default: "cpu" },
    only: { type: "string", default: "" },
  },
});

interface Case {
  readonly name: string;
  readonly ours: readonly string[];
  readonly theirs: readonly string[];
  readonly steps: number;
}

const million = ["--vocab", "1000000"];
const cases: readonly Case[] = [
  { name: "FM, row-sparse", ours: ["--model", "fm"], theirs: ["--model", "fm", "--sparse"], steps: 150 },
  {
    name: "FM, dense Adam",
    ours: ["--model", "fm", "--optimizer", "adam"],
    theirs: ["--model", "fm"],
    steps: 150,
  },
  {
    name: "FM, a million rows, row-sparse",
    ours: ["--model", "fm", ...million],
    theirs: ["--model", "fm", "--sparse", ...million],
    steps: 100,
  },
  {
    name: "DeepFM 400-400-400, row-sparse",
    ours: ["--model", "deepfm"],
    theirs: ["--model", "deepfm", "--sparse"],
    steps: 20,
  },
].filter((c) => c.name.toLowerCase().includes(values.only.toLowerCase()));

function run(command: readonly string[]): { rows_per_s: number } {
  const done = Bun.spawnSync([...command], { stdout: "pipe", stderr: "pipe" });
  const text = done.stdout.toString().trim();
  if (done.exitCode !== 0) throw new Error(`${command.join(" ")} failed:\n${done.stderr.toString()}`);
  return JSON.parse(text.slice(text.lastIndexOf("\n") + 1));
}

const torch = Bun.spawnSync([values.python, "-c", "import torch; print(torch.__version__)"], {
  stderr: "ignore",
});
if (torch.exitCode !== 0 || !existsSync(values.peer) || !existsSync(values.data)) {
  console.log(
    torch.exitCode !== 0
      ? `bench:peer: ${values.python} has no PyTorch (on Debian: apt-get install python3-torch python3-sklearn libopenblas0-pthread); nothing to compare with.`
      : `bench:peer: ${existsSync(values.peer) ? values.data : values.peer} is not there; give --peer and --data.`,
  );
  process.exit(0);
}

const folder = resolve("runs/bench");
mkdirSync(folder, { recursive: true });
const dataset = join(folder, "peer.trimtab");
if (!existsSync(dataset)) await prepare(values.data, { out: dataset });

const results = [];
for (const c of cases) {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    const steps = ["--steps", String(c.steps)];
    const mine = ["bun", join(import.meta.dir, "train-speed.ts"), "--data", dataset, ...steps, ...c.ours];
    const peer = [
      values.python,
      values.peer,
      "--data",
      values.data,
      "--device",
      values.device,
      ...steps,
      ...c.theirs,
    ];
    ours.push(run([process.execPath, ...mine.slice(1)]).rows_per_s);
    // the peer stops at the first epoch's end unless it may run several
    theirs.push(run([...peer, "--epochs", "20", "--patience", "99"]).rows_per_s);
    console.log(`${c.name}, round ${round + 1}: ours ${ours.at(-1)} rows/s, PyTorch ${theirs.at(-1)} rows/s`);
  }
  const ratios = ours.map((o, i) => o / theirs[i]!);
  const ratio = summarize(ratios);
  results.push({
    name: c.name,
    ours: summarize(ours),
    theirs: summarize(theirs),
    ratio,
    medians: { ours: median(ours), theirs: median(theirs), ratio: median(ratios) },
    pairs: ours.map((o, i) => [o, theirs[i]]),
  });
}

const count = (n: number) => Math.round(n).toLocaleString("en");
console.log(
  renderTable(results, [
    { title: "training", value: (r) => r.name },
    { title: "ours rows/s", value: (r) => count(r.medians.ours), align: "right" },
    { title: "PyTorch rows/s", value: (r) => count(r.medians.theirs), align: "right" },
    { title: "ratio (median)", value: (r) => r.medians.ratio.toFixed(2), align: "right" },
    { title: "pair by pair", value: (r) => `${r.ratio.min.toFixed(2)} to ${r.ratio.max.toFixed(2)}` },
  ]),
);
const out = join(folder, "peer.json");
writeFileSync(
  out,
  JSON.stringify({ date: new Date().toISOString(), torch: torch.stdout.toString().trim(), results }, null, 2),
);
console.log(`written to ${out}`);
