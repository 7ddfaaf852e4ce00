/** Runs what is left of a study in several processes at once, one part after another in each, and puts together what is there. */
import {
  type Comparison,
  type ComparisonOptions,
  Interrupted,
  recall,
  type Searcher,
  sameBits,
  TrialCache,
} from "@trimtab/search-core";
import type { Device } from "@trimtab/tensor-core";
import PQueue from "p-queue";
import type { Context } from "../parts/context.ts";
import type { DeviceChoice } from "../parts/device.ts";
import { missingLines } from "../parts/tables.ts";
import type { Cell } from "./cells.ts";
import type { FromWorker, Order } from "./messages.ts";
import { type Part, seedsOf, titleOf } from "./parts.ts";
import { WorkerProcess } from "./processes.ts";
import { type PartName, Tally } from "./tally.ts";
import { studyView } from "./view.ts";

/** A process takes half a second to start, and grows by about half a MiB a part: kernels that no later part asks for. */
const PARTS_A_PROCESS = 30;

export interface StudyOptions {
  readonly cells: readonly Cell[];
  readonly seeds: readonly number[];
  readonly budgets: readonly string[];
  readonly methods: readonly Searcher[];
  /** Modules that searchers came from which are not ours. */
  readonly modules: readonly string[];
  /** Processes at once. */
  readonly jobs: number;
  /** Of the workers. */
  readonly device: DeviceChoice;
  /** Folder of what other runs trained; undefined: nothing is asked or kept. */
  readonly cache?: string;
  readonly keep: boolean;
  /** Measure what each field is worth to the base model. */
  readonly fieldWorth: boolean;
}

export interface CellResult {
  readonly cell: Cell;
  readonly comparison: Comparison;
}

export interface StudyResult {
  readonly cells: readonly CellResult[];
  /** What went wrong in which part; the rest was done all the same. */
  readonly failures: readonly { readonly part: string; readonly text: string }[];
}

/** What is there of every cell, computing nothing. */
export async function recallCells(
  context: Context,
  options: StudyOptions,
  device: Device,
): Promise<CellResult[]> {
  const results: CellResult[] = [];
  for (const cell of options.cells) {
    results.push({ cell, comparison: await recall(comparisonOf(context, options, cell, device)) });
  }
  return results;
}

/** The settings of one cell's comparison. */
export function comparisonOf(
  context: Context,
  options: StudyOptions,
  cell: Cell,
  device: Device,
): ComparisonOptions {
  const { run, data, model, train } = cell.open;
  const { seeds, budgets, methods, keep, fieldWorth, cache } = options;
  return {
    ...{ run, data, device, model, train, seeds, budgets, methods, keep, fieldWorth },
    command: context.command,
    signal: context.signal,
    cache: cache === undefined ? undefined : new TrialCache(cache, sameBits(device), damageTold(context)),
  };
}

const damageTold = (context: Context) => (path: string) =>
  context.note(`warning: ${path} cannot be read; what it held is computed again, if it is needed.`);

/** Throws Interrupted when the user stops it; a part that fails is told in the result. */
export async function conduct(context: Context, options: StudyOptions, device: Device): Promise<StudyResult> {
  const before = await recallCells(context, options, device);
  for (const { comparison } of before) {
    for (const text of comparison.problems) context.note(`warning: ${text}`);
  }
  const conductor = new Conductor(context, options, before);
  await conductor.run();
  return { cells: await recallCells(context, options, device), failures: conductor.failures };
}

class Conductor {
  readonly failures: { part: string; text: string }[] = [];
  readonly #context: Context;
  readonly #options: StudyOptions;
  readonly #before: readonly CellResult[];
  readonly #tally: Tally;
  readonly #queue: PQueue;
  readonly #view: ReturnType<typeof studyView>;
  readonly #notes = new Set<string>();
  readonly #slots: (Part | undefined)[];
  /** The process of each slot, once it has had a part. */
  readonly #workers: (WorkerProcess | undefined)[] = [];

  constructor(context: Context, options: StudyOptions, before: readonly CellResult[]) {
    this.#context = context;
    this.#options = options;
    this.#before = before;
    this.#queue = new PQueue({ concurrency: options.jobs });
    this.#tally = new Tally(options.jobs);
    this.#view = studyView(context, options.jobs);
    this.#slots = Array.from({ length: options.jobs }, () => undefined);
  }

  async run(): Promise<void> {
    const { seeds, methods } = this.#options;
    const { signal } = this.#context;
    const works = this.#before.flatMap(({ cell, comparison }, i) => {
      const place = cell.name === "" ? "" : `${cell.name}: `;
      for (const missing of comparison.missing) cell.open.run.events.append({ kind: "missing", ...missing });
      for (const text of missingLines(comparison.missing)) this.#view.line(`${place}${text}`);
      this.#tally.add(cell.name, comparison);
      const left = seedsOf(cell, comparison, seeds, methods);
      // the first cells first, so that something is finished early
      return left.map((seed, s) => () => this.#seed(seed, -(i * seeds.length + s)));
    });
    const clear = () => this.#queue.clear();
    signal.addEventListener("abort", clear);
    try {
      this.#view.overall(this.#tally.overall);
      await Promise.all(works.map((work) => work()));
    } finally {
      signal.removeEventListener("abort", clear);
      this.#view.close();
      await Promise.all(this.#workers.map((worker) => worker?.end()));
    }
    if (signal.aborted) {
      throw new Interrupted(
        `comparison: stopped; ${this.#tally.overall.done} finished rows are kept, run the same command again to go on.`,
      );
    }
  }

  async #seed({ base, methods }: ReturnType<typeof seedsOf>[number], priority: number): Promise<void> {
    if (!(await this.#queued(base, priority))) {
      for (const part of methods) {
        if (!this.#context.signal.aborted) this.#fail(part, "its base model was not trained");
      }
      return;
    }
    await Promise.all(methods.map((part) => this.#queued(part, priority)));
  }

  /** True if the part was done. A queue that is cleared leaves its promises open, so the signal ends them. */
  async #queued(part: Part, priority: number): Promise<boolean> {
    const { signal } = this.#context;
    if (signal.aborted) return false;
    const aborted = new Promise<false>((resolve) => signal.addEventListener("abort", () => resolve(false)));
    let started: Promise<boolean> | undefined;
    const work = this.#queue.add(
      () => {
        started = this.#work(part);
        return started;
      },
      { priority },
    );
    const first = await Promise.race([work, aborted]);
    // a part that runs is waited for: it writes a checkpoint
    return started ? await started : first;
  }

  async #work(part: Part): Promise<boolean> {
    const slot = this.#slots.indexOf(undefined);
    this.#slots[slot] = part;
    const title = titleOf(part);
    this.#view.update(slot, title, 0, "starting");
    const worker = this.#worker(slot);
    const ended = await worker.work(this.#order(part), this.#context.signal, (message) =>
      this.#hear(part, slot, message),
    );
    // what a part that broke off left in its process is nothing to start the next one with
    if (ended.kind !== "done" || worker.orders === PARTS_A_PROCESS) {
      this.#workers[slot] = undefined;
      await worker.end();
    }
    this.#slots[slot] = undefined;
    this.#view.rest(slot);
    if (ended.kind === "failed") this.#fail(part, ended.text);
    return ended.kind === "done";
  }

  #worker(slot: number): WorkerProcess {
    const there = this.#workers[slot];
    if (there?.runs) return there;
    const worker = new WorkerProcess();
    this.#workers[slot] = worker;
    return worker;
  }

  #order({ cell, seed, method }: Part): Order {
    const { modules, budgets, cache, keep, fieldWorth, device, seeds } = this.#options;
    return {
      ...{ seed, modules, budgets, cache, keep, device },
      // once a seed, by the part that makes the base model
      fieldWorth: fieldWorth && method === undefined,
      folder: cell.open.run.path,
      method: method && { name: method.name, config: method.config },
      command: this.#context.command,
      severalSeeds: seeds.length > 1,
    };
  }

  #hear(part: Part, slot: number, message: FromWorker): void {
    const place = part.cell.name === "" ? "" : `${part.cell.name} `;
    if (message.kind === "update") {
      this.#view.update(slot, `${place}${message.label}`, message.share, message.note);
    } else if (message.kind === "note") {
      const text = `${place}${message.text}`;
      // every seed says the same
      if (!this.#notes.has(text)) this.#view.line(text);
      this.#notes.add(text);
    } else if (message.kind === "row") {
      if (!this.#tally.row(nameOf(part), message.budget, message.known, message.seconds)) return;
      this.#view.overall(this.#tally.overall, `${place}${message.text}`);
    }
  }

  #fail(part: Part, text: string): void {
    const title = titleOf(part);
    this.failures.push({ part: title, text });
    const { cell, seed, method } = part;
    // for reports: without it a method that cannot work looks as if it were still to come
    const message = text.replace(/^error: /, "");
    cell.open.run.events.append({ kind: "failed", method: method?.name ?? "base", seed, message });
    this.#tally.failed(nameOf(part));
    this.#view.overall(this.#tally.overall, `${title} failed: ${text}`);
  }
}

function nameOf({ cell, seed, method }: Part): PartName {
  return { cell: cell.name, seed, method: method?.name ?? "base" };
}
