/** `trimtab demo`: all of it, on a generated log or on a log of yours. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { generate } from "@trimtab/data";
import { formatSeconds } from "@trimtab/eval";
import type { Command } from "commander";
import { printComparison, runComparison, saliencyText } from "../parts/comparing.ts";
import type { Context } from "../parts/context.ts";
import { shown } from "../parts/data-source.ts";
import { type DeviceChoice, withDevice } from "../parts/device.ts";
import { baselineNames, method } from "../parts/methods.ts";
import { engineOption, whole } from "../parts/options.ts";
import { addStartOptions, cacheOf, openRun, type RunOptions, resumeHint } from "../parts/runs.ts";
import { act, verb } from "../parts/verb.ts";

const BUDGET = "10%";
const ROWS = 60_000;
const LOG_SEED = 20;

/** Small enough for two cores that play a GPU. */
const SETTINGS = { model: "fm", dim: 16, lr: 0.002, std: 0.01, batch: 2048, epochs: 12, patience: 1 };

interface Options extends Partial<RunOptions>, DeviceChoice {
  readonly rows: number;
}

export function command(): Command {
  const made = verb(
    "demo",
    "Train, search with SSEDS at 10% of the bytes, retrain, and compare with the baselines.",
    "trimtab demo",
    "trimtab demo --data path/to/ml-latest-small",
  )
    .option(
      "--data <path>",
      "a dataset folder, or a log that `prepare` knows; it is only read (default: generated)",
    )
    .option("--run <dir>", "the run folder (default: runs/demo- and the time)")
    .option("--rows <n>", "rows of the generated log", whole(1000), ROWS)
    .option("--seed <n>", "of first values, shuffling, searching", whole(), 1);
  addStartOptions(made).addOption(engineOption());
  return act<Options>(made, async (context, { rows, ...given }) => {
    const started = performance.now();
    const run = given.run ?? join("runs", `demo-${stamp(new Date())}`);
    const data = given.data ?? (await generatedLog(context, run, rows));
    const options = { ...SETTINGS, ...given, run, data };
    const open = await openRun(context, options, "comparison", { fresh: true });
    const comparison = await withDevice(options, resumeHint("demo", run), async (device) => {
      const { adapter, engine, software } = device.info;
      context.note(`device: ${adapter} (${engine}${software ? ", software" : ""})`);
      const methods = ["sseds", ...baselineNames].map((name) => method(name));
      return runComparison(context, open, device, { seeds: [open.seed], budgets: [BUDGET], methods });
    });
    open.run.close();
    const saliency = saliencyText(comparison, open.data.fields);
    if (saliency) context.print(`What SSEDS found in one gradient pass:\n${saliency}\n`);
    const { synthetic } = open.data.manifest;
    printComparison(context, comparison, synthetic);
    const seconds = (performance.now() - started) / 1000;
    context.print(`\nrun folder: ${shown(run)} (${formatSeconds(seconds)} in all)`);
    const { rows: results, missing, searches } = comparison;
    context.document({ run: shown(run), synthetic, seconds, rows: results, missing, searches });
  });
}

/** The embedded log: generated once, kept beside the runs. */
async function generatedLog(context: Context, run: string, rows: number): Promise<string> {
  const out = join(cacheOf(run), `generated-${rows}-seed-${LOG_SEED}`);
  if (!existsSync(join(out, "truth.json"))) {
    const report = (share: number) => context.progress.update("generating the synthetic log", share, "");
    await generate({ rows, seed: LOG_SEED, out, signal: context.signal }, report);
  }
  context.note(`data: ${rows} generated (synthetic) rows with a planted truth, in ${shown(resolve(out))}`);
  return out;
}

function stamp(date: Date): string {
  return date.toISOString().slice(0, 19).replace(/:/g, "-");
}
