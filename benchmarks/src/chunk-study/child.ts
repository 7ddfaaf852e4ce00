/**
 * One trial in a process of its own, so that peaks are its own: `bun child.ts JOB`, with a Job as JSON. Started by `main.ts` alone; it ends
 * when the pipe of its standard input closes, so that no trial outlives a study that was killed.
 */
import { openDataset } from "@trimtab/data";
import { schemeFromJSON } from "@trimtab/embeddings";
import { evaluate } from "@trimtab/eval";
import { trainCost } from "@trimtab/models";
import { type Found, resultRow, Task, type Trained, writeJson } from "@trimtab/search-core";
import {
  type ChunkRunNotes,
  fiited,
  type Settings as LiveSettings,
  rowPruning,
} from "@trimtab/search-fiited";
import { openDevice } from "@trimtab/tensor-core";
import { cpuSeconds, StepCosts, watchDevice, watchResident } from "./measure.ts";
import type { Answer, Job, Request, TableBytes } from "./trial.ts";

type Asked<K extends Request["kind"]> = Extract<Request, { kind: K }>;

/** A trained model, and what only its method knows. */
interface Made {
  readonly found: Pick<Found, "scheme"> & { readonly trained: Trained };
  readonly bytes: TableBytes;
  readonly live?: { readonly settings: LiveSettings; readonly notes: ChunkRunNotes };
  readonly budget: string | null;
}

async function underScheme(task: Task, asked: Asked<"scheme">, costs: StepCosts): Promise<Made> {
  const scheme = schemeFromJSON(asked.scheme, asked.name);
  const trained = await task.trainUnder(scheme, { name: asked.name, onEvent: costs.onEvent });
  const all = scheme.trainBytes(trainCost(task.model));
  const bytes = { payload: 4 * scheme.parameters, end: all, peak: all, moving: all };
  return { found: { scheme, trained }, bytes, budget: null };
}

async function live(task: Task, asked: Asked<"live">, costs: StepCosts): Promise<Made | string> {
  const { budget, config, method } = asked;
  const searcher = method === "fiited" ? fiited(config) : rowPruning(config);
  const why = searcher.cannot(task, budget);
  if (why !== undefined) return why;
  const { found, notes } = await searcher.search(task, {
    budgets: [budget],
    onEvent: (event) => {
      if (event.kind === "train") costs.onEvent(event.event);
    },
  });
  const { settings, runs } = notes as { settings: LiveSettings; runs: Record<string, ChunkRunNotes> };
  const own = runs[budget]!;
  const { scheme, trained } = found[0]!;
  const bytes = {
    payload: own.final.payload,
    end: own.final.total,
    peak: own.peak.total,
    moving: own.peak.moving,
  };
  return { found: { scheme, trained: trained! }, bytes, live: { settings, notes: own }, budget };
}

async function answerOf({ settings, threads, request }: Job): Promise<Answer> {
  const { model, train } = settings;
  const { seed } = request;
  const device = await openDevice({ engine: "cpu", threads });
  const data = await openDataset(settings.data);
  const task = new Task({ data, device, model, train, seed });
  // all splits before anything is measured, so that a process that only loads the data differs by training alone
  await task.splits();
  const test = await data.load("test");
  const resident = watchResident();
  const devicePeak = watchDevice(device);
  const ending = () => ({
    request,
    resident: resident(),
    took: performance.now() / 1000,
    cpu: cpuSeconds(),
  });
  if (request.kind === "data-only") return ending();

  const costs = new StepCosts();
  const made = await (request.kind === "live"
    ? live(task, request, costs)
    : underScheme(task, request, costs));
  if (typeof made === "string") return { ...ending(), impossible: made };
  const { trained, scheme } = made.found;
  const scored = evaluate({ logits: await trained.score(test), labels: test.labels, users: test.users });
  const row = resultRow({
    command: `chunk-study ${request.name}`,
    task,
    method: request.method,
    budget: made.budget,
    scheme,
    trained,
    test: scored,
    seconds: { ...trained.seconds },
    config: { train },
  });
  const { history, bestEpoch, steps } = trained;
  return {
    ...ending(),
    trained: {
      row,
      history,
      bestEpoch,
      steps,
      bytes: made.bytes,
      devicePeak: devicePeak(),
      secondsPerStep: trained.seconds.train / steps,
      epochCosts: costs.epochs,
      live: made.live,
    },
  };
}

process.stdin.on("end", () => process.exit(1));
process.stdin.resume();
const job = JSON.parse(process.argv[2] ?? "") as Job;
writeJson(job.file, await answerOf(job));
process.exit(0);
