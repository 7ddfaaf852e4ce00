/**
 * The conformance suite: what every searcher promises (design section 8), as checks that any package can run against its own
 * searcher under any test runner.
 *
 *   const subject = { searcher: mine, device, makeTask, makeFolder };
 *   for (const check of conformanceChecks) test(check.name, () => check.run(subject));
 */
import type { Device } from "@trimtab/tensor-core";
import { type Limit, limitOf, meets, parseBudget } from "./budget.ts";
import { BudgetImpossible, ConfigError, Interrupted, SearchCoreError } from "./errors.ts";
import type { Found, SearchEvent, Searcher } from "./searcher.ts";
import type { Task } from "./task.ts";

/** A promise of the contract that a searcher broke. */
export class ConformanceError extends SearchCoreError {}

/** Give all checks the same object: most of them look at one search of it, which then is done once. */
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
const SEED = 3;

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

/** A search that ran to its end. */
interface Searched {
  readonly name: string;
  readonly budgets: readonly string[];
  readonly found: readonly Omit<Found, "trained">[];
  /** Each scheme as JSON text. */
  readonly text: readonly string[];
  /** Budgets that a candidate was told for. */
  readonly told: ReadonlySet<string>;
}

async function search(subject: ConformanceSubject, task: Task): Promise<Searched> {
  const searcher = make(subject);
  const budgets = accepted(searcher, task);
  demand(
    budgets.length > 0,
    `${searcher.name}: refuses all of ${BUDGETS.join(", ")}; give a task it can work on.`,
  );
  const told = new Set<string>();
  const onEvent = (event: SearchEvent) => {
    if (event.kind === "candidate") told.add(event.budget);
  };
  const { found } = await searcher.search(task, { budgets, onEvent });
  for (const { trained } of found) await trained?.dispose();
  const text = found.map(({ scheme }) => JSON.stringify(scheme.toJSON()));
  return { name: searcher.name, budgets, found, text, told };
}

/** A search with nothing unusual, what the device held before and after it, and the limits of its budgets. */
interface Plain extends Searched {
  readonly limits: readonly Limit[];
  readonly before: string;
  readonly after: string;
}

const plainSearches = new WeakMap<ConformanceSubject, Promise<Plain>>();

function plainSearch(subject: ConformanceSubject): Promise<Plain> {
  const known = plainSearches.get(subject);
  if (known) return known;
  const made = searchPlainly(subject);
  plainSearches.set(subject, made);
  return made;
}

async function searchPlainly(subject: ConformanceSubject): Promise<Plain> {
  const held = () => {
    const { variables, variableBytes, programs } = subject.device.memory();
    return JSON.stringify({ variables, variableBytes, programs });
  };
  const before = held();
  const searched = await withTask(subject.makeTask({ seed: SEED }), async (task) => ({
    ...(await search(subject, task)),
    limits: accepted(make(subject), task).map((budget) => limitOf(parseBudget(budget), task.uniform)),
  }));
  return { ...searched, before, after: held() };
}

async function meetsBudgets(subject: ConformanceSubject): Promise<void> {
  const { name, budgets, limits, found } = await plainSearch(subject);
  demand(found.length === budgets.length, `${name}: ${found.length} schemes for ${budgets.length} budgets.`);
  for (const [i, { budget, scheme }] of found.entries()) {
    demand(budget === budgets[i], `${name}: answers budget ${budget} in the place of ${budgets[i]}.`);
    demand(meets(scheme, limits[i]!), `${name}: the scheme for ${budget} is over it.`);
  }
}

async function refusesImpossible(subject: ConformanceSubject): Promise<void> {
  await withTask(subject.makeTask({ seed: SEED }), async (task) => {
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
  const first = await plainSearch(subject);
  const second = await withTask(subject.makeTask({ seed: SEED }), (task) => search(subject, task));
  demand(first.text.join() === second.text.join(), "the same seed gave other schemes.");
}

async function resumes(subject: ConformanceSubject): Promise<void> {
  const straight = await plainSearch(subject);
  const folder = subject.makeFolder();
  // a searcher without long work may well finish before the interrupt: then there is nothing to resume
  for (let attempt = 0; attempt < 3; attempt++) {
    const stop = new AbortController();
    const task = subject.makeTask({ seed: SEED, folder, resume: attempt > 0, signal: stop.signal });
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
  const resumed = await withTask(subject.makeTask({ seed: SEED, folder, resume: true }), (task) =>
    search(subject, task),
  );
  demand(
    resumed.text.join() === straight.text.join(),
    "an interrupted and resumed search found other schemes.",
  );
}

async function tells(subject: ConformanceSubject): Promise<void> {
  const { name, budgets, told } = await plainSearch(subject);
  for (const budget of budgets) demand(told.has(budget), `${name}: told no candidate for ${budget}.`);
}

async function leavesNothing(subject: ConformanceSubject): Promise<void> {
  const { before, after } = await plainSearch(subject);
  demand(after === before, `buffers were left behind: ${before} before, ${after} after.`);
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
