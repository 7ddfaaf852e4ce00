/**
 * PEP: plug-in embedding pruning (Liu et al., ICLR 2021, arXiv 2101.07577).
 *
 * The paper's: single numbers are pruned by a soft threshold that is learned with the model; a mask is kept each time the
 * count of non-zero numbers reaches a target; the model is retrained under the mask from its original first values. Ours:
 * scheduled mode, budgets in real bytes of the mask, counts that no step waits for, and every option that says so.
 */

import { showBytes } from "@trimtab/embeddings";
import { baseDim, defineSearcher, elementsCannot, startOf, type Task } from "@trimtab/search-core";
import { granularities, thresholdBytes } from "./granularity.ts";
import { runSearch } from "./search.ts";
import { pepConfigSchema, type Settings, settingsOf, thresholdRule } from "./settings.ts";
import { stepsToReach, thresholdOf } from "./warm-up.ts";

/** From here on thresholds prune numbers of a trained table. */
const AWAKE = -6;

/** Why the thresholds of faithful mode cannot prune anything within its steps, or undefined. */
function neverMoves(task: Task, settings: Settings): string | undefined {
  if (settings.mode !== "faithful") return undefined;
  const { start, optimizer, maxSteps, thresholdRate, l2 } = settings;
  // a number as large as a first value is pruned from here on; trained ones are larger
  const level = thresholdOf(Math.min(0.5, task.model.std));
  const rule = thresholdRule(settings);
  const steps = stepsToReach(rule, start, level, maxSteps + 1);
  if (steps <= maxSteps) return undefined;
  const still = optimizer !== "adam" || l2 === 0;
  const mend = still
    ? 'use optimizer "adam" with an l2 above zero, which moves every threshold by about one learning rate a step'
    : `start at ${Math.ceil(level - thresholdRate * maxSteps * 0.5)} or higher, or raise maxSteps to ${Math.ceil(stepsToReach(rule, start, AWAKE) * 1.2)}`;
  return (
    `thresholds start at ${start} and ${optimizer} (lr ${thresholdRate}, l2 ${l2}) brings them to ${level.toFixed(1)}, where pruning ` +
    `begins, ${still ? "never" : "too late"} (maxSteps ${maxSteps}); ${mend}, or use mode "scheduled"`
  );
}

/** What a user should know before the search runs. */
export function warningsOf(task: Task, settings: Settings): string[] {
  const warnings: string[] = [];
  if (settings.mode === "faithful") {
    const awake = stepsToReach(thresholdRule(settings), settings.start, AWAKE);
    if (awake > settings.maxSteps / 2) {
      warnings.push(
        `thresholds reach ${AWAKE} after about ${awake} of at most ${settings.maxSteps} steps: most of the search is warm-up`,
      );
    }
  } else if (settings.steps > 0 && settings.steps < 10 * settings.countEvery) {
    warnings.push(
      `the ramp is corrected only ${Math.floor(settings.steps / settings.countEvery)} times in ${settings.steps} steps; lower countEvery`,
    );
  }
  if (settings.mode === "scheduled" && settings.learn && settings.granularity === "global") {
    warnings.push(
      "one global threshold learns nothing beside the ramp; use another granularity, or leave it out",
    );
  }
  const { tableOptimizer } = task.model;
  if (settings.mode === "scheduled" && !tableOptimizer.startsWith("row")) {
    warnings.push(
      settings.tables === "rows"
        ? `the model's ${tableOptimizer} on whole tables is replaced by rowAdam without L2 while searching; retraining has it again`
        : `the model's ${tableOptimizer} visits whole tables every step, while searching too; for large tables use rowAdam, or tables "rows"`,
    );
  }
  if (settings.mode === "faithful" && tableOptimizer.startsWith("row")) {
    warnings.push(
      `the model's ${tableOptimizer} is replaced by ${settings.optimizer} on whole tables while searching`,
    );
  }
  return warnings;
}

/** Bytes on the device for the thresholds of every granularity, under the rules of these settings. */
export function memoryOf(task: Task, settings: Settings): Record<string, number> {
  return Object.fromEntries(
    granularities.map((granularity) => [
      granularity,
      thresholdBytes(
        granularity,
        task.fields,
        baseDim(task.model),
        thresholdRule({ ...settings, granularity }),
      ),
    ]),
  );
}

function memoryNote(task: Task, memory: Readonly<Record<string, number>>, settings: Settings): string {
  const learned = settings.mode === "faithful" || settings.learn;
  const all = Object.entries(memory).map(([granularity, bytes]) => `${granularity} ${showBytes(bytes)}`);
  const own = learned
    ? `thresholds of ${settings.granularity} take ${showBytes(memory[settings.granularity]!)} on the device`
    : "no thresholds are learned beside the ramp";
  const rows = task.fields.reduce((n, f) => n + f.rows, 0);
  const thresholded = showBytes(rows * baseDim(task.model) * 4);
  return `${own} (${all.join(", ")}), and thresholded rows ${thresholded}`;
}

export const pep = defineSearcher({
  name: "pep",
  config: pepConfigSchema,
  check: (task, limit, config) =>
    elementsCannot(task.fields, baseDim(task.model), limit, config.leastPerRow) ??
    neverMoves(task, settingsOf(config, task)),
  run: async (task, limits, config, emit) => {
    const settings = settingsOf(config, task);
    const warnings = warningsOf(task, settings);
    const memory = memoryOf(task, settings);
    for (const text of [memoryNote(task, memory, settings), ...warnings]) emit({ kind: "note", text });
    const outcome = await runSearch(task, limits, settings, emit);
    const found = limits.map((limit, i) => ({
      budget: limit.text,
      scheme: outcome.schemes[i]!,
      prepare: startOf(task, settings.retrain),
    }));
    const takenAt = Object.fromEntries(limits.map((limit, i) => [limit.text, outcome.steps[i]!]));
    return {
      found,
      notes: {
        settings: outcome.settings,
        warnings,
        thresholdBytes: memory,
        takenAt,
        secondsPerStep: outcome.secondsPerStep,
      },
    };
  },
});
