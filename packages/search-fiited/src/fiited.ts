/**
 * FIITED (Luo et al., arXiv 2401.04408): chunks of single vectors come and go while the model trains, in a store whose memory goes with
 * them. And row pruning, which is the same with whole rows: AdaEmbed-like (Lai et al., OSDI 2023).
 *
 * The paper's: the utility and its decay, pruned chunks that still earn it, global or column thresholds, the store. Ours: budgets in
 * real serve bytes, the ramp, hysteresis, sampled thresholds with exact counts, normalisation by field, which weights may be the best.
 */
import {
  baseDim,
  defineSearcher,
  type Found,
  type Limit,
  type SearchEvent,
  type Task,
} from "@trimtab/search-core";
import { chunksCannot } from "./capacity.ts";
import { rowModel } from "./row-model.ts";
import { ChunkRun } from "./run.ts";
import {
  cutCannot,
  type FiitedConfig,
  fiitedConfigSchema,
  rowPruningConfigSchema,
  type Settings,
  settingsOf,
} from "./settings.ts";

function cannot(task: Task, limit: Limit, chunks: number): string | undefined {
  const dim = baseDim(task.model);
  return cutCannot(task, chunks) ?? chunksCannot({ fields: task.fields, dim, chunks }, limit);
}

function describe({ period, steadyPeriod, rampSteps, expectedSteps }: Settings): string {
  const later = steadyPeriod === period ? "" : `, at least ${steadyPeriod} apart once the budget is met`;
  return (
    `chunks are adjusted every ${period} steps${later}; the budget is met at step ${rampSteps} of about ${expectedSteps}, and only weights ` +
    "from then on can be the best"
  );
}

async function search(
  name: string,
  task: Task,
  limits: readonly Limit[],
  config: FiitedConfig,
  emit: (event: SearchEvent) => void,
) {
  const started = performance.now();
  const { train } = await task.splits();
  const settings = settingsOf(config, task, train.rows);
  const { model, changed } = rowModel(task.model);
  const texts = [describe(settings), ...(changed ? [changed] : [])];
  for (const text of texts) emit({ kind: "note", text });
  const found: Found[] = [];
  const runs: Record<string, unknown> = {};
  try {
    for (const limit of limits) {
      const run = new ChunkRun(task, { name, model, settings, limit, emit });
      const { scheme, trained, notes } = await run.run();
      runs[limit.text] = notes;
      if (settings.retrain) await trained.dispose();
      found.push({ budget: limit.text, scheme, ...(settings.retrain ? {} : { trained }) });
    }
  } catch (reason) {
    for (const { trained } of found) await trained?.dispose();
    throw reason;
  }
  // training is told with the models that are handed over
  const trainings = found.reduce((n, { trained }) => {
    return n + (trained ? trained.seconds.train + trained.seconds.evaluate : 0);
  }, 0);
  const seconds = Math.max(0, (performance.now() - started) / 1000 - trainings);
  return { found, seconds, notes: { settings, warnings: changed ? [changed] : [], runs } };
}

export const fiited = defineSearcher({
  name: "fiited",
  config: fiitedConfigSchema,
  independent: true,
  check: (task, limit, config) => cannot(task, limit, config.chunks),
  run: (task, limits, config, emit, name) => search(name, task, limits, config, emit),
});

export const rowPruning = defineSearcher({
  name: "row-pruning",
  config: rowPruningConfigSchema,
  independent: true,
  check: (task, limit) => cannot(task, limit, 1),
  run: (task, limits, config, emit, name) =>
    search(name, task, limits, { ...config, chunks: 1, thresholds: "global" }, emit),
});
