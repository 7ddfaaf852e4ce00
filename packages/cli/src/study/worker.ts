/**
 * A process that does parts of a comparison, one after another: a `WorkerProcess` starts it, sends orders and listens. It shares
 * run folders of the process that has them locked, and ends at once where that process is gone: what it had is in checkpoints.
 */
import { type Dataset, openDataset } from "@trimtab/data";
import { parseModelConfig } from "@trimtab/models";
import { type ComparisonEvent, compare, RunFolder, sameBits, TrialCache } from "@trimtab/search-core";
import type { Device } from "@trimtab/tensor-core";
import { comparisonReport, rowLine } from "../parts/comparing.ts";
import type { Context } from "../parts/context.ts";
import { openChosen, watched } from "../parts/device.ts";
import { errorText, exitCodeOf } from "../parts/errors.ts";
import { loadMethods } from "../parts/methods.ts";
import type { FromWorker, Order, ToWorker } from "./messages.ts";
import { trainingSeconds } from "./tally.ts";

const send = (message: FromWorker) => process.send!(message);
const stop = new AbortController();
/** Opened for the first part; all parts of a study have the same. */
let device: Device | undefined;
/** Of the part before: most parts of a study stay with it. */
let opened: { readonly folder: string; readonly data: Dataset } | undefined;

process.on("disconnect", () => process.exit(1));
// a terminal signals the whole group; the conductor says what is to be done
process.on("SIGINT", () => {});
process.on("message", (message: ToWorker) => {
  if (message.kind === "work") void work(message.order);
  else if (message.kind === "stop") stop.abort();
  else {
    device?.dispose();
    // threads of drivers must not keep a finished process alive
    process.exit(0);
  }
});
send({ kind: "ready" });

async function work(order: Order): Promise<void> {
  try {
    await part(order);
    send({ kind: "done" });
  } catch (error) {
    const code = exitCodeOf(error);
    if (code === 130) send({ kind: "stopped" });
    else send({ kind: "failed", text: errorText(error, order.device.debug === true), wrongUse: code === 2 });
  }
}

async function part(order: Order): Promise<void> {
  const run = RunFolder.share(order.folder);
  const { config } = run;
  const data = await dataOf(config.data.folder);
  const model = parseModelConfig(config.model, `the model of ${order.folder}`);
  const known = await loadMethods(order.modules);
  const methods = order.method ? [known.make(order.method.name, order.method.config)] : [];
  const context = contextOf(order);
  const report = comparisonReport(context, run.events, order.severalSeeds);
  const again = "Run the same command again: it goes on where it stood.";
  device ??= await openChosen(order.device);
  const here = device;
  await watched(here, again, () =>
    compare({
      run,
      data,
      device: here,
      model,
      train: config.train,
      seeds: [order.seed],
      budgets: order.budgets,
      methods,
      command: order.command,
      keep: order.keep,
      fieldWorth: order.fieldWorth,
      cache: order.cache === undefined ? undefined : new TrialCache(order.cache, sameBits(here)),
      signal: stop.signal,
      onEvent: (event) => {
        // every part meets the base model's row; it is told once, by the part that makes it
        if (event.kind === "row" && event.row.method === "base" && order.method) return;
        // that a budget cannot be met is told once, for all parts
        if (event.kind === "missing") return;
        report(event);
        tell(event, order);
      },
    }),
  );
  run.close();
}

async function dataOf(folder: string): Promise<Dataset> {
  if (opened?.folder !== folder) opened = { folder, data: await openDataset(folder) };
  return opened.data;
}

function tell(event: ComparisonEvent, { severalSeeds }: Order): void {
  if (event.kind === "search" && event.event.kind === "note") {
    send({ kind: "note", text: `${event.method}: ${event.event.text}` });
  }
  if (event.kind !== "row") return;
  const { budget, seconds } = event.row;
  const text = rowLine(event, severalSeeds);
  send({ kind: "row", text, budget, known: event.known, seconds: trainingSeconds(seconds) });
}

/** Words go to the conductor, which has the terminal. */
function contextOf(order: Order): Context {
  let told = 0;
  return {
    json: false,
    debug: order.device.debug === true,
    signal: stop.signal,
    command: order.command,
    progress: {
      update(label, share, note) {
        const now = performance.now();
        if (now - told < 100) return;
        told = now;
        send({ kind: "update", label, share, note });
      },
      // evaluations are in events.jsonl; rows are told as such
      line() {},
      clear() {},
    },
    onFailure() {},
    failed() {},
    note: (text) => send({ kind: "note", text }),
    noteThrough: () => ({ [Symbol.dispose]() {} }),
    print() {},
    document() {},
  };
}
