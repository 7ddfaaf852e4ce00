/** `trimtab train`: the base model, under the uniform scheme. */
import { formatBytes, formatCount, formatSeconds, type ResultRow } from "@trimtab/eval";
import { resultRow, Task } from "@trimtab/search-core";
import type { Command } from "commander";
import { shown } from "../parts/data-source.ts";
import { type DeviceChoice, withDevice } from "../parts/device.ts";
import { addDeviceOptions, whole } from "../parts/options.ts";
import { trainReport } from "../parts/reports.ts";
import {
  addRunOption,
  addStartOptions,
  openRun,
  type RunOptions,
  resumeHint,
  taskOptions,
} from "../parts/runs.ts";
import { addModelOptions, addTrainOptions } from "../parts/settings.ts";
import { act, verb } from "../parts/verb.ts";

export function command(): Command {
  const made = verb(
    "train",
    "Train a base model; resumes to the same bits after any interruption.",
    "trimtab train --data movielens.trimtab --model deepfm --dim 16 --hidden 64,32 --run runs/movielens",
    "trimtab train --data criteo.trimtab --model dlrm --bottom 64,32 --hidden 64,32 --run runs/criteo",
    "trimtab train --run runs/movielens --resume",
  ).option(
    "--data <path>",
    "a dataset folder, or a log that `prepare` knows (prepared once, beside the run)",
  );
  addRunOption(made);
  addStartOptions(made);
  addTrainOptions(addModelOptions(made)).option(
    "--seed <n>",
    "of first values, shuffling, dropout (default: 1)",
    whole(),
  );
  addDeviceOptions(made);
  return act<RunOptions & DeviceChoice>(made, async (context, options) => {
    const open = await openRun(context, options, "run", { fresh: true });
    const { run, train } = open;
    const row = await withDevice(options, resumeHint("train", options.run), async (device) => {
      const task = new Task(taskOptions(open, device, context));
      try {
        const trained = await task.base(trainReport(context, run.events, "base"));
        const made: ResultRow = resultRow({
          command: context.command,
          task,
          method: "base",
          budget: null,
          scheme: task.uniform,
          trained,
          // a test score that was read before stays: the weights are the same
          test: run.rows().base?.metrics.test ?? undefined,
          seconds: trained.seconds,
          config: { train },
        });
        run.putRow("base", made);
        return made;
      } finally {
        await task.dispose();
      }
    });
    run.close();
    const { valid } = row.metrics;
    const next = row.parameters > 0 ? "search --method sseds --budget 10%" : "evaluate";
    context.print(
      `${row.model} on ${row.dataset}${row.synthetic ? " (synthetic)" : ""}: validation AUC ${valid?.auc.toFixed(4)}, ` +
        `logloss ${valid?.logloss.toFixed(4)}, ${formatCount(row.parameters)} embedding parameters, ` +
        `${formatBytes(row.bytes.serve)}, ${formatSeconds(row.seconds.train ?? 0)} of training\n` +
        `run folder ${shown(options.run)}; next: trimtab ${next} --run ${shown(options.run)}`,
    );
    context.document(row);
  });
}
