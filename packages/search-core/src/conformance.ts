/**
 * The conformance suite: what every searcher promises (design section 8), as checks that any package can run against its own
 * searcher under any test runner.
 *
 *   for (const check of conformanceChecks) test(check.name, () => check.run({ searcher: mine, makeTask }));
 */
import type { Device } from "@trimtab/tensor-core";
import { type Limit, limitOf, meets, parseBudget } from "./budget.ts";
import { BudgetImpossible, ConfigError, Interrupted, SearchCoreError } from "./errors.ts";
import type { SearchEvent, Searcher } from "./searcher.ts";
import type { Task } from "./task.ts";

/** A promise of the contract that a searcher broke. */
export class ConformanceError extends SearchCoreError {}

export interface ConformanceSubject {
  /** The searcher's factory, as made by `defineSearcher`. */
  readonly searcher: (config?: never) => Searcher;
  /** A configuration under which it runs quickly. */
  readonly config?: unknown;
  readonly device: Device;
  /** A fresh small task on `device` with this seed; with a folder it can resume. */
  makeTask(options: { seed: number; folder?: string; resume?: boolean; signal?: AbortSignal }): Task;
  /** An empty folder for checkpoints. */
  makeFolder(): string;
}

export interface ConformanceCheck {
  readonly name: string;
  run(subject: ConformanceSubject): Promise<void>;
}

const BUDGETS = ["60%", "30%", "12%"];

export const conformanceChecks: readonly ConformanceCheck[] = [
  { name: "meets every budget it accepts", run: meetsBudgets },
  { name: "says before it starts which budgets it cannot meet", run: refusesImpossible },
  { name: "finds the same schemes from the same seed", run: repeats },
  { name: "goes on after an interrupt to the same schemes", run: resumes },
  { name: "tells a candidate for every budget", run: tells },
  { name: "leaves no buffers behind", run: leavesNothing },
  { name: "refuses an unknown configuration key by name", run: refusesUnknownKey },
];

function make(subject: ConformanceSubject, config: unknown = subject.config): Searcher {
  return subject.searcher(config as never);
}

function demand(holds: boolean, message: string): asserts holds {
  if (!holds) throw new ConformanceError(message);
}

function accepted(searcher: Searcher, task: Task): string[] {
  return BUDGETS.filter((budget) => searcher.cannot(task, budget) === undefined);
}

async function withTask<T>(task: Task, work: (task: Task) => Promise<T>): Promise<T> {
  try {
    return await work(task);
  } finally {
    await task.dispose();
  }
}

/** Runs a search and hands back its schemes as JSON text, one a budget. */
async function schemes(subject: ConformanceSubject, task: Task): Promise<string[]> {
  const searcher = make(subject);
  const budgets = accepted(searcher, task);
  demand(
    budgets.length > 0,
    `${searcher.name}: refuses all of ${BUDGETS.join(", ")}; give a task it can work on.`,
  );
  const { found } = await searcher.search(task, { budgets });
  const text = found.map((f) => JSON.stringify(f.scheme.toJSON()));
  for (const f of found) await f.trained?.dispose();
  return text;
}

async function meetsBudgets(subject: ConformanceSubject): Promise<void> {
  await withTask(subject.makeTask({ seed: 1 }), async (task) => {
    const searcher = make(subject);
    const budgets = accepted(searcher, task);
    const { found } = await searcher.search(task, { budgets });
    demand(
      found.length === budgets.length,
      `${searcher.name}: ${found.length} schemes for ${budgets.length} budgets.`,
    );
    for (const [i, { budget, scheme, trained }] of found.entries()) {
      demand(
        budget === budgets[i],
        `${searcher.name}: answers budget ${budget} in the place of ${budgets[i]}.`,
      );
      const limit: Limit = limitOf(parseBudget(budget), task.uniform);
      demand(meets(scheme, limit), `${searcher.name}: the scheme for ${budget} is over it.`);
      await trained?.dispose();
    }
  });
}

async function refusesImpossible(subject: ConformanceSubject): Promise<void> {
  await withTask(subject.makeTask({ seed: 1 }), async (task) => {
    const searcher = make(subject);
    const budget = "1 B";
    if (searcher.cannot(task, budget) === undefined) return;
    let told = false;
    let refusal: unknown;
    try {
      await searcher.search(task, { budgets: [budget], onEvent: () => (told = true) });
    } catch (reason) {
      refusal = reason;
    }
    demand(
      refusal instanceof BudgetImpossible,
      `${searcher.name}: one byte is refused, but not as BudgetImpossible.`,
    );
    demand(!told, `${searcher.name}: worked before it refused a budget.`);
  });
}

async function repeats(subject: ConformanceSubject): Promise<void> {
  const first = await withTask(subject.makeTask({ seed: 3 }), (task) => schemes(subject, task));
  const second = await withTask(subject.makeTask({ seed: 3 }), (task) => schemes(subject, task));
  demand(first.join() === second.join(), "the same seed gave other schemes.");
}

async function resumes(subject: ConformanceSubject): Promise<void> {
  const straight = await withTask(subject.makeTask({ seed: 5 }), (task) => schemes(subject, task));
  const folder = subject.makeFolder();
  // a searcher without long work may well finish before the interrupt: then there is nothing to resume
  for (let attempt = 0; attempt < 3; attempt++) {
    const stop = new AbortController();
    const task = subject.makeTask({ seed: 5, folder, resume: attempt > 0, signal: stop.signal });
    const searcher = make(subject);
    const onEvent = (event: SearchEvent) => {
      if (event.kind === "train" || event.kind === "progress") stop.abort();
    };
    try {
      await withTask(task, (t) => searcher.search(t, { budgets: accepted(searcher, t), onEvent }));
      break;
    } catch (reason) {
      if (!(reason instanceof Interrupted)) throw reason;
    }
  }
  const resumed = await withTask(subject.makeTask({ seed: 5, folder, resume: true }), (task) =>
    schemes(subject, task),
  );
  demand(resumed.join() === straight.join(), "an interrupted and resumed search found other schemes.");
}

async function tells(subject: ConformanceSubject): Promise<void> {
  await withTask(subject.makeTask({ seed: 1 }), async (task) => {
    const searcher = make(subject);
    const budgets = accepted(searcher, task);
    const seen = new Set<string>();
    const { found } = await searcher.search(task, {
      budgets,
      onEvent: (event) => {
        if (event.kind === "candidate") seen.add(event.budget);
      },
    });
    for (const f of found) await f.trained?.dispose();
    for (const budget of budgets)
      demand(seen.has(budget), `${searcher.name}: told no candidate for ${budget}.`);
  });
}

async function leavesNothing(subject: ConformanceSubject): Promise<void> {
  const { device } = subject;
  const count = () => {
    const { variables, variableBytes, programs } = device.memory();
    return JSON.stringify({ variables, variableBytes, programs });
  };
  const before = count();
  await withTask(subject.makeTask({ seed: 1 }), (task) => schemes(subject, task));
  demand(count() === before, `buffers were left behind: ${before} before, ${count()} after.`);
}

async function refusesUnknownKey(subject: ConformanceSubject): Promise<void> {
  let refusal: unknown;
  try {
    make(subject, { ...(subject.config as object), noSuchKey: 1 });
  } catch (reason) {
    refusal = reason;
  }
  demand(refusal instanceof ConfigError, "an unknown configuration key was not refused.");
  demand(refusal.message.includes("noSuchKey"), "the refusal of an unknown key does not name it.");
}
