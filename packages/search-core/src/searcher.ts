/**
 * The searcher contract. A searcher is a factory made by `defineSearcher`: it validates its own configuration, says
 * before it starts which budgets it cannot meet, tells events while it runs, and ends in schemes.
 *
 *   const result = await sseds({ batches: 50 }).search(task, { budgets: ["25%", "10%"] });
 */
import type { Scheme } from "@trimtab/embeddings";
import type { z } from "zod";
import { type Limit, limitOf, meets, parseBudget } from "./budget.ts";
import { parseConfig } from "./config.ts";
import { BudgetImpossible } from "./errors.ts";
import { baseDim, type Task } from "./task.ts";
import type { Trained } from "./training/contract.ts";
import type { TrainEvent } from "./training/progress.ts";

export type SearchEvent =
  /** How far the search is: `done` of `total` units of `what`. */
  | { readonly kind: "progress"; readonly what: string; readonly done: number; readonly total: number }
  /** Something a user should know before or while the search runs: what it costs, a setting that will not work well. */
  | { readonly kind: "note"; readonly text: string }
  /** A scheme the search considers for a budget; the last one of a budget is the answer. */
  | { readonly kind: "candidate"; readonly budget: string; readonly scheme: Scheme }
  /** A model is trained inside the search. */
  | { readonly kind: "train"; readonly name: string; readonly event: TrainEvent };

export interface Found {
  /** The budget as it was written. */
  readonly budget: string;
  readonly scheme: Scheme;
  /** How retraining should start, where the method says so (inherited weights, say). */
  readonly prepare?: Parameters<Task["trainUnder"]>[1]["prepare"];
  /** The trained model, from methods that train inside their search. */
  readonly trained?: Trained;
}

export interface SearchResult {
  /** The searcher's name, or the one that `SearchOptions.name` gave it. */
  readonly searcher: string;
  readonly found: readonly Found[];
  /** Seconds of the search itself, base model not counted. */
  readonly seconds: number;
  /** What the method learned, for people and reports: plain JSON. */
  readonly notes: Readonly<Record<string, unknown>>;
}

export interface SearchOptions {
  /** One or several: most methods find all from one pass. */
  readonly budgets: readonly string[];
  readonly onEvent?: (event: SearchEvent) => void;
  /** What the results are called in place of the searcher's own name (`labelled`). */
  readonly name?: string;
}

/** What the author of a searcher writes. `config` is validated, `limits` are the budgets in numbers. */
export interface SearcherDefinition<S extends z.ZodType> {
  readonly name: string;
  /** Strict zod schema with defaults and a description of each key. */
  readonly config: S;
  /** True where limits share nothing, neither work nor answers: a comparison then asks them one at a time, and for a new one pays that one alone. */
  readonly independent?: boolean;
  /** Why a limit cannot be met, before anything is trained; undefined if it can. */
  check(task: Task, limit: Limit, config: z.output<S>): string | undefined;
  /**
   * Finds one scheme for each limit, in order. `emit` tells progress. `name` is what the results are called: checkpoints of models
   * that are handed over trained lie in a folder of this name and the budget.
   */
  run(
    task: Task,
    limits: readonly Limit[],
    config: z.output<S>,
    emit: (event: SearchEvent) => void,
    name: string,
  ): Promise<SearchOutcome>;
}

export interface SearchOutcome {
  readonly found: readonly Found[];
  readonly notes: SearchResult["notes"];
  /** Seconds of the search itself, where the method also trained the base model on the way. */
  readonly seconds?: number;
}

export interface Searcher {
  readonly name: string;
  readonly config: unknown;
  /**
   * Tells one state of the searcher's code from another: what a comparison keeps of it is of this state alone. Absent where the version
   * of trimtab tells it, as for our own; the command gives it to those that `--searcher` brings.
   */
  readonly code?: string;
  /** As its definition says. */
  readonly independent?: boolean;
  /** Throws BudgetError, BudgetImpossible, ConfigError and what training throws. */
  search(task: Task, options: SearchOptions): Promise<SearchResult>;
  /** Why this budget cannot be met, or undefined. */
  cannot(task: Task, budget: string): string | undefined;
}

/** Makes the factory of a searcher: `sseds(config)` validates the configuration and returns a Searcher. */
export function defineSearcher<S extends z.ZodType>(
  definition: SearcherDefinition<S>,
): ((config?: z.input<S>) => Searcher) & { readonly searcherName: string; readonly schema: S } {
  const factory = (input?: z.input<S>): Searcher => {
    const config = parseConfig(definition.config, input, `searcher "${definition.name}"`);
    const limitFor = (task: Task, text: string) => limitOf(parseBudget(text), task.uniform);
    const why = (task: Task, limit: Limit) => noEmbeddings(task) ?? definition.check(task, limit, config);
    return {
      name: definition.name,
      config,
      independent: definition.independent,
      cannot: (task, budget) => why(task, limitFor(task, budget)),
      search: (task, options) => runSearch(definition, config, task, options, limitFor, why),
    };
  };
  return Object.assign(factory, { searcherName: definition.name, schema: definition.config });
}

/** Logistic regression has nothing to size, whatever the method. */
function noEmbeddings({ model }: Task): string | undefined {
  if (baseDim(model) > 0) return undefined;
  return `model "${model.kind}" has no embeddings to size; use fm, dnn, wideDeep, deepfm or dlrm`;
}

async function runSearch<S extends z.ZodType>(
  definition: SearcherDefinition<S>,
  config: z.output<S>,
  task: Task,
  { budgets, onEvent, name = definition.name }: SearchOptions,
  limitFor: (task: Task, text: string) => Limit,
  whyNot: (task: Task, limit: Limit) => string | undefined,
): Promise<SearchResult> {
  const limits = budgets.map((text) => limitFor(task, text));
  for (const limit of limits) {
    const why = whyNot(task, limit);
    if (why) throw new BudgetImpossible(`${definition.name}: budget ${limit.text} cannot be met: ${why}`);
  }
  const started = performance.now();
  const emit = (event: SearchEvent) => onEvent?.(event);
  const { found, notes, seconds } = await definition.run(task, limits, config, emit, name);
  for (const [i, { scheme, budget }] of found.entries()) {
    onEvent?.({ kind: "candidate", budget, scheme });
    // a budget is a promise: no scheme leaves a search above it
    if (!meets(scheme, limits[i]!)) {
      throw new BudgetImpossible(
        `${definition.name}: found a scheme over the budget ${limits[i]!.text}; this is a bug.`,
      );
    }
  }
  return {
    searcher: name,
    found,
    notes,
    seconds: seconds ?? (performance.now() - started) / 1000,
  };
}
