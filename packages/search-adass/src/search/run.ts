/** Searches the frozen supernet under one limit. A killed search goes on from its last round that was written. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Random } from "@trimtab/data";
import { Interrupted, type SearchEvent, type Task, writeJson } from "@trimtab/search-core";
import { z } from "zod";
import { AdassCheckpointError } from "../errors.ts";
import type { Path } from "../path.ts";
import { type Settings, trainingOf } from "../settings.ts";
import { parseJson } from "../supernet/checkpoint.ts";
import { Evolution, RandomPaths } from "./controls.ts";
import type { Costs } from "./cost.ts";
import type { Evaluator } from "./evaluator.ts";
import { Reinforce } from "./reinforce.ts";
import { type Judged, judge } from "./reward.ts";
import type { Strategy } from "./strategy.ts";

const SEARCH = 0x5c;

const judgedSchema = z.strictObject({
  path: z.array(z.int()),
  auc: z.number(),
  reward: z.number(),
  meets: z.boolean(),
});

const stateSchema = z.strictObject({
  version: z.literal(1),
  search: z.string(),
  /** Rounds done. */
  round: z.int().nonnegative(),
  strategy: z.unknown(),
  best: judgedSchema.nullable(),
  /** Mean reward of each round's paths. */
  curve: z.array(z.number()),
  seconds: z.number(),
});

type State = z.output<typeof stateSchema>;

export interface Searched extends Judged {
  /** Mean reward of each round's paths. */
  readonly curve: readonly number[];
  readonly seconds: number;
}

/** What judges paths; an Evaluator, or a plain function in tests. */
export type Quality = Pick<Evaluator, "auc">;

export interface LimitSearch {
  readonly task: Pick<Task, "seed" | "folder" | "resume" | "signal" | "train">;
  readonly settings: Settings;
  readonly quality: Quality;
  readonly costs: Costs;
  /** [field]: rank / F, 1 for the most important. */
  readonly ranks: readonly number[];
  /** What fixes the supernet; with the settings and the limit it fixes the search. */
  readonly supernet: string;
  readonly emit: (event: SearchEvent) => void;
}

function strategyOf({ settings, costs }: LimitSearch): Strategy {
  const { candidates, paths } = settings;
  const even = costs.table.map(() => candidates.map(() => 1 / candidates.length));
  const start = settings.start === "budget" ? costs.evenest() : even;
  if (settings.search === "evolution") return new Evolution({ start, costs, paths });
  if (settings.search === "random") return new RandomPaths({ start, costs, paths });
  return new Reinforce({ start, paths, rate: settings.policyRate, entropy: settings.entropy });
}

/** The best path found within the limit. Throws Interrupted, AdassCheckpointError. */
export async function searchUnder(search: LimitSearch): Promise<Searched> {
  const { task, settings, costs } = search;
  const { limit } = costs;
  const strategy = strategyOf(search);
  const file = new SearchFile(search);
  let state = file.load();
  if (state.round > 0) strategy.restore(state.strategy);
  let best: Judged | undefined = state.best ?? undefined;
  let startedAt = performance.now();
  let savedAt = startedAt;
  const save = () => {
    const now = performance.now();
    state = { ...state, strategy: strategy.state, best: best ? { ...best, path: [...best.path] } : null };
    state = { ...state, seconds: state.seconds + (now - startedAt) / 1000 };
    startedAt = now;
    savedAt = now;
    file.save(state);
  };
  while (state.round < settings.iterations) {
    const paths = strategy.ask(new Random(task.seed, SEARCH, keyOf(limit.text), state.round));
    const judged: Judged[] = [];
    for (const path of paths) judged.push(await judged1(search, path));
    strategy.tell(judged);
    for (const each of judged) best = better(best, each);
    const mean = judged.reduce((n, { reward }) => n + reward, 0) / judged.length;
    state = { ...state, round: state.round + 1, curve: [...state.curve, mean] };
    const total = settings.iterations;
    search.emit({ kind: "progress", what: `search rounds, ${limit.text}`, done: state.round, total });
    if (task.signal?.aborted && state.round < total) {
      save();
      throw new Interrupted(
        `adass: stopped in round ${state.round} of the search for ${limit.text}${file.hint}.`,
      );
    }
    if (performance.now() - savedAt > trainingOf(task).checkpointSeconds * 1000) save();
  }
  const answer = await answerOf(search, strategy, best);
  save();
  return { ...answer, curve: state.curve, seconds: state.seconds };
}

async function judged1({ quality, costs, ranks, settings }: LimitSearch, path: Path): Promise<Judged> {
  return judge(path, await quality.auc(path), costs, ranks, settings);
}

/** The better of two paths that meet the limit; the first of equals. */
function better(best: Judged | undefined, other: Judged): Judged | undefined {
  if (!other.meets) return best;
  return best && best.reward >= other.reward ? best : other;
}

/** A path within the limit: what was asked for, or the least path where nothing seen met it. */
async function answerOf(search: LimitSearch, strategy: Strategy, best: Judged | undefined): Promise<Judged> {
  const { costs, settings } = search;
  const own = strategy.answer && (await judged1(search, strategy.answer(costs)));
  if (own && settings.answer === "policy") return own;
  const found = own ? better(best, own) : best;
  // `check` made sure that the least path meets every limit
  return found ?? judged1(search, costs.least);
}

/** A limit as a seed, so that its answer does not depend on what else is asked. */
function keyOf(text: string): number {
  return createHash("sha256").update(text).digest().readUInt32LE(0);
}

class SearchFile {
  readonly #hash: string;
  readonly #path: string | undefined;
  readonly #resume: boolean;

  constructor({ task, settings, costs, supernet }: LimitSearch) {
    const { search, iterations, paths, policyRate, entropy, start, penalty, competition, projection } =
      settings;
    const own = { search, iterations, paths, policyRate, entropy, start, penalty, competition, projection };
    const parts = [supernet, own, costs.limit];
    this.#hash = createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
    this.#resume = task.resume;
    if (!task.folder) return;
    const folder = join(task.folder, `adass-${supernet}`);
    mkdirSync(folder, { recursive: true });
    this.#path = join(folder, `search-${this.#hash}.json`);
  }

  get hint(): string {
    return this.#path
      ? `; it is written in ${this.#path}, go on with --resume`
      : "; nothing was saved (no run folder)";
  }

  load(): State {
    const path = this.#path;
    if (!path || !this.#resume || !existsSync(path)) {
      return { version: 1, search: this.#hash, round: 0, strategy: null, best: null, curve: [], seconds: 0 };
    }
    const parsed = stateSchema.safeParse(parseJson(readFileSync(path, "utf8")));
    if (parsed.success && parsed.data.search === this.#hash) return parsed.data;
    throw new AdassCheckpointError(`${path}: is not the state of this search; remove it to search again.`);
  }

  save(state: State): void {
    if (this.#path) writeJson(this.#path, state);
  }
}
