/** All trials of one seed, in order: what is known is read, the rest is computed. */
import type { Scheme } from "@trimtab/embeddings";
import { type ModelConfig, tableRule, trainCost } from "@trimtab/models";
import { baseDim, hashedRows, type Searcher, smallerDim, type Task } from "@trimtab/search-core";
import type { Cell, StudyFolder } from "./folder.ts";
import type { Equal, Settings } from "./options.ts";
import { nextRowBudget, type Probe } from "./row-budget.ts";
import type { Answer, Method, Request, Trained } from "./trial.ts";

export const METHODS = ["fiited", "row-pruning", "hashed-rows", "smaller-dim"] as const;

/** Row pruning has so few rows less than the target pays for, at most; as a share of its rows. */
const TOLERANCE = 0.03;
/** Bytes of a batch's arrays for each id in it, about. */
const POSITION_BYTES = 8;
/** Bytes of the map and of the pool's room that a row costs, about; only first guesses depend on these. */
const ROW_OVERHEAD = 24;

export type OnTrial = (request: Request, answer: Answer, known: boolean) => void;

export interface SeedOptions {
  readonly folder: StudyFolder;
  readonly settings: Settings;
  readonly threads: number;
  readonly equal: Equal;
  readonly shares: readonly number[];
  /** For schemes alone: nothing is trained in this process. */
  readonly task: Task;
  readonly onTrial: OnTrial;
  readonly onCell: (cell: Cell) => void;
}

export class SeedStudy {
  readonly #options: SeedOptions;

  constructor(options: SeedOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const { task, shares } = this.#options;
    await this.#trial({ name: "data-only", seed: task.seed, kind: "data-only" });
    await this.#trial(this.#dense);
    for (const share of shares) await this.#share(share);
  }

  async #share(share: number): Promise<void> {
    const { settings, task, equal } = this.#options;
    const live = await this.#trial({
      name: `fiited-${share}`,
      seed: task.seed,
      kind: "live",
      method: "fiited",
      budget: `${100 - share}% parameters`,
      config: settings.fiited,
    });
    this.#cell(share, "fiited", live.trained ? { trial: live.request.name } : { missing: live.impossible! });
    const target = live.trained?.bytes[equal];
    if (target === undefined) return;
    const rows = await this.#rowPruning(target, live.trained!);
    const why = `even a row in each field takes more than ${target} bytes`;
    this.#cell(share, "row-pruning", rows === undefined ? { missing: why, target } : { trial: rows, target });
    await this.#baseline(share, "hashed-rows", hashedRows(), target);
    await this.#baseline(share, "smaller-dim", smallerDim(), target);
  }

  /** The name of the trial of row pruning that needs as much of the target as can be. */
  async #rowPruning(target: number, chunks: Trained): Promise<string | undefined> {
    const { settings, task, equal } = this.#options;
    const { model } = settings;
    const dim = baseDim(model);
    const request = (rows: number): Request => ({
      name: `row-pruning-${equal}-${rows}`,
      seed: task.seed,
      kind: "live",
      method: "row-pruning",
      budget: `${rows * dim} parameters`,
      // where peaks are to be equal the budget alone decides them: no more rows on the way than at the end
      config: equal === "peak" ? { ...settings.rowPruning, peak: 1e-9 } : settings.rowPruning,
    });
    const known = this.#known(equal);
    const probes: Probe[] = known.flatMap(({ seed, ...probe }) => (seed === task.seed ? probe : []));
    // a store without a row needs about this, and other seeds needed nearly the same
    const hints = [{ rows: 0, bytes: this.#emptyBytes(chunks) }, ...known];
    const rowBytes = rowBytesOf(model);
    const most = task.fields.reduce((n, { rows }) => n + rows, 0);
    for (;;) {
      const bounds = { target, least: task.fields.length, most, rowBytes, hints, tolerance: TOLERANCE };
      const next = nextRowBudget(probes, bounds);
      if (next.step === "impossible") return undefined;
      if (next.step === "take") return request(next.rows).name;
      const answer = await this.#trial(request(next.rows));
      if (!answer.trained) return undefined;
      probes.push({ rows: next.rows, bytes: answer.trained.bytes[equal] });
    }
  }

  /** About what a store needs beside its rows: candidates and the arrays of a batch; less than fiited's needed on the host. */
  #emptyBytes({ live }: Trained): number {
    const { task, settings } = this.#options;
    const { total, device } = live!.notes.final;
    const positions = settings.train.batch * task.fields.reduce((n, { slots = 1 }) => n + slots, 0);
    return Math.min(total - device, live!.settings.candidateBytes + POSITION_BYTES * positions);
  }

  /** Row prunings that were trained, for any share and seed. */
  #known(equal: Equal): (Probe & { readonly seed: number })[] {
    const prefix = `row-pruning-${equal}-`;
    return this.#options.folder.answers.flatMap(({ request: { name, seed }, trained }) =>
      trained && name.startsWith(prefix)
        ? [{ seed, rows: Number(name.slice(prefix.length)), bytes: trained.bytes[equal] }]
        : [],
    );
  }

  /** The largest scheme of a baseline whose training bytes are within the target; several shares may come to the same one. */
  async #baseline(
    share: number,
    method: "hashed-rows" | "smaller-dim",
    searcher: Searcher,
    target: number,
  ): Promise<void> {
    const { task } = this.#options;
    // values and their state alike: so many bytes of values
    const budget = `${Math.floor(target / (1 + tableRule(task.model).slots.length))} B`;
    const missing = searcher.cannot(task, budget);
    if (missing !== undefined) {
      this.#cell(share, method, { missing, target });
      return;
    }
    const { found } = await searcher.search(task, { budgets: [budget] });
    const request = this.#schemeRequest(method, found[0]!.scheme);
    await this.#trial(request);
    this.#cell(share, method, { trial: request.name, target });
  }

  get #dense(): Request {
    return this.#schemeRequest("dense", this.#options.task.uniform);
  }

  #schemeRequest(method: Method, scheme: Scheme): Request {
    const { task } = this.#options;
    const { seed, uniform, model } = task;
    // everything fits: it is the dense model
    if (method !== "dense" && scheme.parameters === uniform.parameters) return this.#dense;
    const size = scheme.trainBytes(trainCost(model));
    const name = method === "dense" ? "dense" : `${method}-${size}`;
    return { name, seed, kind: "scheme", method, scheme: scheme.toJSON() };
  }

  async #trial(request: Request): Promise<Answer> {
    const { folder, settings, threads, onTrial } = this.#options;
    const known = folder.known(request);
    const answer = known ?? (await folder.compute(settings, threads, request));
    onTrial(request, answer, known !== undefined);
    return answer;
  }

  #cell(share: number, method: Method, outcome: { trial?: string; missing?: string; target?: number }): void {
    const { folder, equal, task, onCell } = this.#options;
    const cell = { seed: task.seed, share, method, ...outcome };
    folder.keep(equal, cell);
    onCell(cell);
  }
}

/** Values, state and utility of a row of the base dim, and what it costs in the books. */
function rowBytesOf(model: ModelConfig): number {
  return 4 * baseDim(model) * (1 + tableRule(model).slots.length) + 4 + ROW_OVERHEAD;
}
