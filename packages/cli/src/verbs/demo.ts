/** `trimtab demo`: all of it, on a generated log or on a log of yours. */
import { join } from "node:path";
import { formatSeconds } from "@trimtab/eval";
import { RunFolder } from "@trimtab/search-core";
import type { Command } from "commander";
import { printComparison, runComparison, saliencyText, writeReport } from "../parts/comparing.ts";
import { shown } from "../parts/data-source.ts";
import { DEMO_BATCH, demoLog } from "../parts/demo-log.ts";
import { type DeviceChoice, describeDevice, withDevice } from "../parts/device.ts";
import { defaultMethods, loadMethods } from "../parts/methods.ts";
import { addDeviceOptions, whole } from "../parts/options.ts";
import { addStartOptions, cacheOf, openRun, type RunOptions, resumeHint } from "../parts/runs.ts";
import { act, verb } from "../parts/verb.ts";

const BUDGET = "10%";
const BATCHES = 30;

/** Small enough for two cores. */
const SETTINGS = {
  ...{ model: "fm", dim: 16, std: 0.1, tableL2: 3e-4 },
  ...{ lr: 0.01, batch: DEMO_BATCH, epochs: 10, patience: 2 },
};

interface Options extends Partial<RunOptions>, DeviceChoice {
  readonly batches: number;
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
    .option(
      "--batches <n>",
      `training batches of the generated log, of ${DEMO_BATCH} rows each`,
      whole(1),
      BATCHES,
    )
    .option("--seed <n>", "of first values, shuffling, searching", whole(), 1);
  addDeviceOptions(addStartOptions(made));
  return act<Options>(made, async (context, { batches, ...given }) => {
    const started = performance.now();
    const run = given.run ?? join("runs", `demo-${stamp(new Date())}`);
    // a demo that goes on does so on its own data, whatever that was
    const before = given.resume && RunFolder.occupied(run) ? RunFolder.configOf(run).data.folder : undefined;
    const data = given.data ?? before ?? (await demoLog(context, cacheOf(run), batches));
    const options = { ...SETTINGS, ...given, run, data };
    const open = await openRun(context, options, "comparison", { fresh: true });
    const comparison = await withDevice(options, resumeHint("demo", run), async (device) => {
      context.note(`device: ${describeDevice(device.info)}`);
      const known = await loadMethods();
      const methods = defaultMethods.map((name) => known.make(name));
      return runComparison(context, open, device, { seeds: [open.seed], budgets: [BUDGET], methods });
    });
    open.run.close();
    const saliency = saliencyText(comparison, open.data.fields);
    if (saliency)
      context.print(
        `What one gradient pass says each field is worth to the base model, and what SSEDS kept after trying allocations:\n${saliency}\n`,
      );
    const { synthetic } = open.data.manifest;
    printComparison(context, comparison, synthetic);
    await writeReport(context, open.run.path);
    const seconds = (performance.now() - started) / 1000;
    context.print(`\nrun folder: ${shown(run)} (${formatSeconds(seconds)} in all)`);
    const { rows: results, missing, searches } = comparison;
    context.document({ run: shown(run), synthetic, seconds, rows: results, missing, searches });
  });
}

function stamp(date: Date): string {
  return date.toISOString().slice(0, 19).replace(/:/g, "-");
}
