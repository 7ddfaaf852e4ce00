/** `trimtab evaluate`: the run's finished models on a split, from their best checkpoints. */
import { join } from "node:path";
import { schemeFromJSON } from "@trimtab/embeddings";
import { evaluate, type Metrics, type ResultRow } from "@trimtab/eval";
import { openSavedModel, RunFolderError } from "@trimtab/search-core";
import { type Command, Option } from "commander";
import { shown } from "../parts/data-source.ts";
import { type DeviceChoice, withDevice } from "../parts/device.ts";
import { UsageError } from "../parts/errors.ts";
import { addDeviceOptions } from "../parts/options.ts";
import { addRunOption, openExistingRun, type RunOptions } from "../parts/runs.ts";
import { metricsTable } from "../parts/tables.ts";
import { act, verb } from "../parts/verb.ts";

interface Options extends RunOptions, DeviceChoice {
  readonly split: "train" | "valid" | "test";
  readonly baseline?: boolean;
  readonly name?: string;
}

export function command(): Command {
  const made = verb(
    "evaluate",
    "AUC, logloss, per-user AUC and calibration of the run's trained models.",
    "trimtab evaluate --run runs/movielens --baseline",
  )
    .addOption(
      new Option("--split <name>", "what to score").choices(["train", "valid", "test"]).default("test"),
    )
    .option("--baseline", "the base model too, beside the retrained ones")
    .option("--name <model>", "one model only: base, or a name that retrain printed")
    .option("--data <path>", "the dataset, where it is no longer where it was");
  addDeviceOptions(addRunOption(made));
  return act<Options>(made, async (context, options) => {
    const { run, data, model, train, seed } = await openExistingRun(context, options);
    const rows = run.rows();
    const names = choose(Object.keys(rows), options);
    const columns = await data.load(options.split);
    const lines = await withDevice(options, "Run the same command again.", async (device) => {
      const lines: { name: string; row: ResultRow; metrics: Metrics }[] = [];
      for (const [i, name] of names.entries()) {
        context.progress.update("scoring", i / names.length, name);
        const row = rows[name]!;
        const scheme = schemeFromJSON(row.config.scheme, `${name} in result.json`);
        const folder = join(run.checkpoints, name);
        const { scoreBatch } = train;
        const saved = await openSavedModel({
          device,
          model,
          scheme,
          fields: data.fields,
          seed,
          folder,
          scoreBatch,
        });
        try {
          const logits = await saved.score(columns);
          const metrics = evaluate({ logits, labels: columns.labels, users: columns.users });
          lines.push({ name, row, metrics });
          if (options.split === "test")
            run.putRow(name, { ...row, metrics: { ...row.metrics, test: metrics } });
        } finally {
          await saved.dispose();
        }
      }
      return lines;
    });
    for (const { name, metrics } of lines) {
      run.events.append({ kind: "evaluated", name, split: options.split, auc: metrics.auc });
    }
    run.close();
    const synthetic = data.manifest.synthetic ? " (synthetic)" : "";
    context.print(`${data.name}${synthetic}, ${options.split} split, ${columns.rows} rows`);
    context.print(metricsTable(lines));
    context.document({
      run: shown(options.run),
      dataset: data.name,
      synthetic: data.manifest.synthetic,
      split: options.split,
      models: lines.map(({ name, row, metrics }) => ({
        name,
        metrics,
        parameters: row.parameters,
        bytes: row.bytes,
      })),
    });
  });
}

function choose(names: readonly string[], { name, baseline, run }: Options): string[] {
  if (names.length === 0) {
    throw new RunFolderError(
      `${run}: no model was trained to its end; go on with \`trimtab train --run ${run} --resume\`.`,
    );
  }
  if (name !== undefined) {
    if (names.includes(name)) return [name];
    throw new UsageError(`--name ${name}: there is no such model in ${run}; there are ${names.join(", ")}.`);
  }
  const retrained = names.filter((n) => n !== "base");
  if (retrained.length === 0) return ["base"];
  return baseline && names.includes("base") ? ["base", ...retrained] : retrained;
}
