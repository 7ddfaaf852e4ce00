/** `trimtab export`: a trained model of a run as a folder for others. */
import { join } from "node:path";
import { schemeFromJSON } from "@trimtab/embeddings";
import { formatBytes, formatRatio, type ResultRow } from "@trimtab/eval";
import { type ExportManifest, exportModel, PRECISIONS, type Precision } from "@trimtab/export";
import { openSavedModel, type RunFolder, RunFolderError } from "@trimtab/search-core";
import { type Command, Option } from "commander";
import { shown } from "../parts/data-source.ts";
import { type DeviceChoice, withDevice } from "../parts/device.ts";
import { UsageError } from "../parts/errors.ts";
import { addDeviceOptions, number } from "../parts/options.ts";
import { addRunOption, openExistingRun, type RunOptions } from "../parts/runs.ts";
import { act, verb } from "../parts/verb.ts";

interface Options extends RunOptions, DeviceChoice {
  readonly out: string;
  readonly budget?: string;
  readonly method?: string;
  readonly name?: string;
  readonly onnx?: boolean;
  readonly precision: Precision;
  readonly maxAucCost?: number;
  /** False for --no-vocabularies. */
  readonly vocabularies: boolean;
}

export function command(): Command {
  const made = verb(
    "export",
    "Write a trained model as a compact folder, and test what was written before it gets its name.",
    "trimtab export --run runs/movielens --budget 10% --out movielens-10 --onnx",
    "trimtab export --run runs/movielens --budget 10% --method pep --out small --precision int8",
  )
    .requiredOption("--out <folder>", "the folder to write")
    .option("--budget <limit>", "the retrained model of this budget (default: the base model)")
    .option("--method <name>", "whose model, where several methods met the budget")
    .option("--name <model>", "a model by the name that retrain printed, instead")
    .option("--onnx", "an ONNX file too, tested with onnxruntime-node")
    .addOption(new Option("--precision <name>", "of rows of tables").choices([...PRECISIONS]).default("f32"))
    .option(
      "--max-auc-cost <auc>",
      "the most validation AUC that a narrower precision may cost (default: 0.01)",
      number(0),
    )
    .option("--no-vocabularies", "refer to the dataset instead of copying how values become ids")
    .option("--force", "replace an exported folder that is there")
    .option("--data <path>", "the dataset, where it is no longer where it was");
  addDeviceOptions(addRunOption(made));
  return act<Options>(made, async (context, { force, ...options }) => {
    if (options.name !== undefined && (options.budget ?? options.method) !== undefined) {
      throw new UsageError("--name already says which model; leave --budget and --method out.");
    }
    const { run, data, model, train, seed } = await openExistingRun(context, options);
    const name = choose(run, options);
    const row = run.rows()[name]!;
    const scheme = schemeFromJSON(row.config.scheme, `${name} in result.json`);
    const manifest = await withDevice(options, "Run the same command again.", async (device) => {
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
        return await exportModel({
          device,
          model: saved.model,
          data,
          out: options.out,
          force,
          precision: options.precision,
          onnx: options.onnx,
          vocabularies: options.vocabularies ? "copy" : "reference",
          run: { method: row.method, budget: row.budget, metrics: row.metrics },
          command: context.command,
          maxAucCost: options.maxAucCost,
          scoreBatch,
          onStep: (step) => context.progress.update(`exporting ${name}: ${step}`, 0, ""),
        });
      } finally {
        await saved.dispose();
      }
    });
    run.events.append({ kind: "exported", name, out: options.out });
    run.close();
    context.print(`${name}: ${lines(manifest).join("\n")}\nwritten to ${shown(options.out)}`);
    context.document({ out: options.out, name, manifest });
  });
}

/** The trained model that the options name. */
function choose(run: RunFolder, { budget, method, name, run: path }: Options): string {
  const rows = Object.entries(run.rows());
  const names = rows.map(([known]) => known).join(", ");
  if (rows.length === 0) {
    throw new RunFolderError(
      `${path}: no model was trained to its end; go on with \`trimtab train --run ${path} --resume\`.`,
    );
  }
  const wanted = name ?? (budget === undefined && method === undefined ? "base" : undefined);
  const fits = ([known, row]: [string, ResultRow]) =>
    wanted !== undefined
      ? known === wanted
      : (budget === undefined || row.budget === budget.trim()) &&
        (method === undefined || row.method === method);
  const hits = rows.filter(fits);
  if (hits.length === 1) return hits[0]![0];
  const asked = [wanted, method && `by ${method}`, budget && `for budget ${budget}`]
    .filter(Boolean)
    .join(" ");
  if (hits.length === 0) {
    throw new RunFolderError(
      `${path}: there is no trained model ${asked}; there are ${names}. Train it with \`trimtab retrain\` first.`,
    );
  }
  throw new UsageError(
    `several models ${asked}: give --name (one of ${hits.map(([known]) => known).join(", ")}).`,
  );
}

/** What was written, for people. */
function lines({
  model,
  scheme,
  bytes,
  precision,
  onnx,
  tables,
  selfTest,
  dataset,
}: ExportManifest): string[] {
  const { serveBytes, uniformBytes } = scheme;
  const smaller = bytes.embeddings > 0 ? ` (${formatRatio(uniformBytes / bytes.embeddings)} smaller)` : "";
  const out = [
    `${model.kind}, ${scheme.kind} scheme, on ${dataset.name}${dataset.synthetic ? " (synthetic)" : ""}`,
    `embeddings ${formatBytes(bytes.embeddings)} of ${formatBytes(uniformBytes)}${smaller}, the rest of the model ${formatBytes(bytes.network)}`,
  ];
  if (precision.name !== "f32") {
    out.push(
      `embeddings at f32 ${formatBytes(serveBytes)}, at ${precision.name} ${formatBytes(bytes.embeddings)}`,
    );
  }
  if (onnx) out.push(`model.onnx ${formatBytes(bytes.onnx!)}, opset ${onnx.opset}`);
  for (const [name, why] of Object.entries(tables.why)) {
    out.push(why === null ? `configs/${name}.json: dims of the tables` : `no configs/${name}.json: ${why}`);
  }
  if (selfTest) {
    const { rows, reloaded, onnx: other, cost } = selfTest;
    const beside = other
      ? `, onnxruntime ${other.runtime} beside it by up to ${other.largest.toExponential(1)}`
      : "";
    out.push(
      `self-test passed on ${rows} validation rows: logits of the reloaded folder differ from the run's by up to ` +
        `${reloaded.largest.toExponential(1)}${beside}`,
    );
    if (cost) {
      const { auc, logloss } = cost;
      out.push(
        `validation AUC ${auc.run.toFixed(5)} before, ${auc.exported.toFixed(5)} after (cost ${(auc.run - auc.exported).toFixed(5)}), ` +
          `logloss ${logloss.run.toFixed(5)} before, ${logloss.exported.toFixed(5)} after`,
      );
    }
  }
  return out;
}
