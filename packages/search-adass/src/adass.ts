/**
 * AdaS&S (Wei et al., arXiv 2411.07504), in its outline: a supernet with tables of several sizes for each field, trained with two-layer
 * adaptive sampling; the frozen supernet searched by reinforcement learning, with a resource competition penalty; retraining.
 *
 * The paper's formulas were not at hand. Everything below that outline is our own choice; the README lists each with its switch.
 */
import { showBytes } from "@trimtab/embeddings";
import { hasEnough } from "@trimtab/models";
import { baseDim, defineSearcher, type Task } from "@trimtab/search-core";
import { SupernetTooLarge } from "./errors.ts";
import { dimsOf } from "./path.ts";
import { Costs, type Enough, schemeOf } from "./search/cost.ts";
import { Evaluator } from "./search/evaluator.ts";
import { ranksOf } from "./search/reward.ts";
import { type Searched, searchUnder } from "./search/run.ts";
import { sampleOf } from "./search/sample.ts";
import { adassConfigSchema, candidatesFor, type Settings, settingsOf, trainingOf } from "./settings.ts";
import { estimateMemory, type SupernetMemory } from "./supernet/memory.ts";
import { openStage } from "./supernet/stage.ts";
import { supernetHash, trainSupernet } from "./supernet/training.ts";

const enoughOf =
  ({ model, fields }: Pick<Task, "model" | "fields">): Enough =>
  (dims) =>
    hasEnough(model, fields, dims);

export const adass = defineSearcher({
  name: "adass",
  config: adassConfigSchema,
  check: (task, limit, config) => {
    const candidates = candidatesFor(config.candidates, baseDim(task.model));
    const { fields } = task;
    const costs = new Costs(fields, limit, { candidates, projection: config.projection }, enoughOf(task));
    if (costs.meets(costs.least)) return undefined;
    const hint = candidates[0] === 0 ? "" : "; add 0 to the candidates, so that fields can go";
    const what = costs.least.some((k) => k > 0)
      ? "the least that leaves the model something to read"
      : `the smallest size, ${candidates[0]}, in every field`;
    return `${what} already costs ${costs.of(costs.least)} ${limit.unit}, the budget is ${limit.value}${hint}`;
  },
  run: async (task, limits, config, emit) => {
    const data = await task.splits();
    const wanted = settingsOf(config, task, baseDim(task.model));
    const settings = { ...wanted, batch: Math.min(wanted.batch, data.train.rows) };
    const sample = sampleOf(data.valid, data.fields, settings.sample, task.seed);
    const memory = await estimateMemory(task, settings, sample.rows);
    refuseTooLarge(memory, settings);
    emit({ kind: "note", text: memoryNote(memory, settings) });
    const before = task.device.memory().variableBytes;
    const stage = await openStage(task.device, task, settings);
    let evaluator: Evaluator | undefined;
    try {
      evaluator = await Evaluator.make({
        device: task.device,
        stage,
        candidates: settings.candidates,
        fields: data.fields,
        sample,
        batch: trainingOf(task).scoreBatch,
        keep: memory.keep,
      });
      const allocated = task.device.memory().variableBytes - before;
      const supernet = await trainSupernet(task, data, settings, stage, evaluator, emit);
      await evaluator.refresh();
      const importance = supernet.sampler.importance;
      const shared = {
        task,
        settings,
        quality: evaluator,
        ranks: ranksOf(importance),
        supernet: supernetHash(task, data.hash, settings),
        emit,
      };
      const found: { budget: string; scheme: ReturnType<typeof schemeOf>; searched: Searched }[] = [];
      for (const limit of limits) {
        const costs = new Costs(task.fields, limit, settings, enoughOf(task));
        const searched = await searchUnder({ ...shared, costs });
        const scheme = schemeOf(task.fields, searched.path, settings);
        found.push({ budget: limit.text, scheme, searched });
      }
      const seconds = supernet.seconds.steps + supernet.seconds.probes;
      return {
        // over all sessions, where the search was interrupted
        seconds: found.reduce((n, { searched }) => n + searched.seconds, seconds),
        found: found.map(({ budget, scheme }) => ({ budget, scheme })),
        notes: {
          settings,
          memory: { ...memory, keep: memory.keep ?? null, allocated },
          supernet: {
            steps: supernet.steps,
            probes: supernet.probes,
            bestEpoch: supernet.bestEpoch,
            secondsPerStep: supernet.seconds.steps / Math.max(1, supernet.steps),
            seconds,
          },
          importance: Object.fromEntries(task.fields.map((f, i) => [f.name, importance[i]!])),
          sampling: supernet.sampler.probabilities(),
          searches: Object.fromEntries(
            found.map(({ budget, searched: { path, ...rest } }) => [
              budget,
              { dims: dimsOf(path, settings.candidates), ...rest },
            ]),
          ),
        },
      };
    } finally {
      evaluator?.dispose();
      stage.dispose();
    }
  },
});

/** What a search will take on the device, before it starts. `sampleRows`: validation rows that paths are judged on. */
export function memoryOf(
  task: Task,
  config: Parameters<typeof adass>[0],
  sampleRows: number,
): Promise<SupernetMemory> {
  const settings = settingsOf(adassConfigSchema.parse(config ?? {}), task, baseDim(task.model));
  return estimateMemory(task, settings, Math.min(settings.sample, sampleRows));
}

function refuseTooLarge(memory: SupernetMemory, { memoryLimit, candidates }: Settings): void {
  if (memoryLimit === undefined || memory.most <= memoryLimit) return;
  throw new SupernetTooLarge(
    `adass: the supernet of sizes ${candidates.join(", ")} takes ${showBytes(memory.most)} on the device ` +
      `(${parts(memory)}), the limit is ${showBytes(memoryLimit)}; take fewer candidates, tables "prefix", or a smaller sample.`,
  );
}

function memoryNote(memory: SupernetMemory, { candidates }: Settings): string {
  return `the supernet of sizes ${candidates.join(", ")} takes ${showBytes(memory.most)} on the device (${parts(memory)})`;
}

function parts({ supernet, optimizer, keep, cache }: SupernetMemory): string {
  const what = keep?.products ? "vectors and first layer" : "vectors";
  const kept = keep ? `${showBytes(cache)} for the sample's ${what}` : "nothing of the sample is kept";
  return `${showBytes(supernet)} of numbers, ${showBytes(optimizer)} of the optimizer, ${kept}`;
}
