// A study in processes: the same rows as in one process, nothing trained twice, killed at any moment it goes on, and a part that fails
// does not take the rest along.
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generateDataset } from "@trimtab/data";
import { type ResultRow, readResults } from "@trimtab/eval";
import { must, start, trimtab } from "../support/command.ts";
import { dataset, freshFolder } from "../support/data.ts";

setDefaultTimeout(300_000);

const SEED = process.env.CI ? 5 : Math.floor(Math.random() * 1e9);
const cwd = freshFolder();
const STUDY = {
  data: { small: "", other: "other.trimtab" },
  models: { fm: { kind: "fm", dim: 8, learningRate: 0.01, std: 0.05 } },
  train: { batch: 500, epochs: 2 },
  cells: { "other/fm": { model: { dim: 4 }, train: { epochs: 1 } } },
  methods: { sseds: { batches: 4 }, "smaller-dim": {}, magnitude: {} },
  budgets: ["50%", "1%"],
  seeds: [1],
};

const ready = (async () => {
  await generateDataset({ rows: 2000, seed: 9, out: join(cwd, "other.trimtab") });
  const study = { ...STUDY, data: { ...STUDY.data, small: await dataset() } };
  writeFileSync(join(cwd, "study.json"), JSON.stringify(study));
})();

const study = (run: string, ...more: string[]) => [
  "compare",
  "--config",
  "study.json",
  "--run",
  run,
  ...more,
];

/** What a row says of its training: all but where and when. */
function facts({ method, budget, seeds, metrics, parameters, bytes, config }: ResultRow): unknown {
  return { method, budget, seed: seeds.run, metrics, parameters, bytes, key: config.key };
}

function rowsOf(run: string): unknown[] {
  return ["small-fm", "other-fm"].flatMap((cell) => {
    const { rows } = readResults(join(cwd, run, cell, "results.jsonl"));
    return rows.map(facts).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  });
}

/** Trainings that a run did itself: the events of their evaluations. */
function evaluations(run: string): number {
  return ["small-fm", "other-fm"]
    .map((cell) => join(cwd, run, cell, "events.jsonl"))
    .filter((file) => existsSync(file))
    .reduce((n, file) => n + (readFileSync(file, "utf8").match(/"kind":"evaluation"/g)?.length ?? 0), 0);
}

let reference: Promise<void> | undefined;
/** The study in one process, one part after another. */
function inOneProcess(): Promise<void> {
  reference ??= (async () => {
    await ready;
    await must(study("one", "--jobs", "1", "--no-cache"), { cwd });
  })();
  return reference;
}

const workers: number[] = [];
afterAll(() => expect(workers.filter(alive)).toEqual([]));

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Processes that a process started and that run now; needs /proc. */
function childrenOf(pid: number): number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  if (!existsSync(file)) return [];
  try {
    return readFileSync(file, "utf8").trim().split(" ").filter(Boolean).map(Number);
  } catch {
    return []; // it has ended
  }
}

test("processes give the rows that one process gives, and a second study trains nothing", async () => {
  await inOneProcess();
  const { out, err } = await must(study("two", "--jobs", "2"), { cwd });
  expect(rowsOf("two")).toEqual(rowsOf("one"));
  const count = rowsOf("one").length;
  // two sets, a base model and three methods each; at 1% not all are possible
  expect(count).toBeGreaterThan(2 * 4);
  expect(err).toContain(`(${count} of ${count} trainings)`);
  expect(out).toContain("small-fm\n");
  expect(out).toContain("smaller-dim at 1%: not possible");
  expect(existsSync(join(cwd, "two", "report.html"))).toBe(true);
  expect(readdirSync(join(cwd, "two")).sort()).toEqual(["other-fm", "report.html", "small-fm", "study.json"]);

  // it is healthy, but no run
  const asRun = await trimtab(["export", "--run", "two", "--out", "x"], { cwd });
  expect([asRun.code, asRun.err]).toEqual([2, expect.stringContaining("holds a study")]);
  const asModel = await trimtab(["export", "--run", "two/small-fm", "--out", "x"], { cwd });
  expect([asModel.code, asModel.err]).toEqual([
    2,
    expect.stringContaining("keeps rows and schemes, no models"),
  ]);

  // another folder asks what was kept beside it
  const known = await must(study("three", "--jobs", "2"), { cwd });
  expect(known.err).toContain(`${count} of ${count} trainings`);
  expect(rowsOf("three")).toEqual(rowsOf("one"));
  expect(evaluations("three")).toBe(0);

  // a folder that holds a study needs no file; a seed more pays for that seed
  const more = await must(["compare", "--run", "three", "--seeds", "1,2", "--jobs", "2"], { cwd });
  expect(more.err).toContain(`(${2 * count} of ${2 * count} trainings)`);
  expect(more.out).toContain("over 2 seeds");
  expect(rowCount("three")).toBe(2 * count);

  // a part of it again: nothing to train, and the page is still of all cells; so is a cell by its own folder
  const before = evaluations("three");
  await must(["compare", "--run", "three", "--cells", "small/fm"], { cwd });
  expect(readFileSync(join(cwd, "three", "report.html"), "utf8")).toContain("other-fm");
  await must(["compare", "--run", join("three", "small-fm")], { cwd });
  expect([rowCount("three"), evaluations("three")]).toEqual([2 * count, before]);
});

test(`killed at any moment it leaves no process behind and goes on (seed ${SEED})`, async () => {
  await inOneProcess();
  let state = SEED;
  const random = () => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return state / 2 ** 31;
  };
  for (let kill = 0; kill < 2; kill++) {
    const child = start(study("killed", "--jobs", "2", "--no-cache"), { cwd });
    let over = false;
    void child.exited.then(() => {
      over = true;
    });
    const wanted = rowCount("killed") + 1 + Math.floor(random() * 3);
    while (!over && rowCount("killed") < wanted) {
      workers.push(...childrenOf(child.pid).filter((pid) => !workers.includes(pid)));
      await Bun.sleep(5);
    }
    child.kill("SIGKILL");
    await child.exited;
    const until = performance.now() + 20_000;
    while (workers.some(alive) && performance.now() < until) await Bun.sleep(20);
    expect(workers.filter(alive)).toEqual([]);
  }
  await must(study("killed", "--jobs", "2", "--no-cache"), { cwd });
  expect(rowsOf("killed")).toEqual(rowsOf("one"));
});

function rowCount(run: string): number {
  return ["small-fm", "other-fm"]
    .map((cell) => join(cwd, run, cell, "results.jsonl"))
    .filter((file) => existsSync(file))
    .reduce((n, file) => n + readFileSync(file, "utf8").split("\n").length - 1, 0);
}

test("a part whose process is killed is told, the rest is done, and the next start does it", async () => {
  await inOneProcess();
  const child = start(study("lost", "--jobs", "2", "--no-cache"), { cwd });
  let over = false;
  const said = new Response(child.stderr).text();
  const ended = child.exited.then((code) => {
    over = true;
    return code;
  });
  // both base models are there, and a method is at work
  while (!over && rowCount("lost") < 3) await Bun.sleep(2);
  const victim = childrenOf(child.pid)[0];
  if (!existsSync("/proc/self/task")) {
    console.log("left out: no /proc here, so that no worker can be found to be killed");
    await ended;
    return;
  }
  process.kill(victim!, "SIGKILL");
  expect(await ended).toBe(1);
  const text = await said;
  expect(text).toContain("was killed, perhaps because memory ran out");
  expect(text).toMatch(/error: compare: \d+ failed \(.*\), .*the same command tries them again/);
  await must(study("lost", "--jobs", "2", "--no-cache"), { cwd });
  expect(rowsOf("lost")).toEqual(rowsOf("one"));
});

test("what fields are worth is measured later too, from the base models that are there", async () => {
  await inOneProcess();
  const worth = () => existsSync(join(cwd, "worth", "fields", "seed-1.json"));
  const asked = [
    ...[
      "compare",
      "--data",
      await dataset(),
      "--model",
      "fm",
      "--dim",
      "8",
      "--epochs",
      "1",
      "--batch",
      "500",
    ],
    ...["--methods", "smaller-dim", "--budgets", "50%", "--run", "worth", "--jobs", "2", "--no-cache"],
  ];
  await must([...asked, "--no-field-worth"], { cwd });
  const rows = readResults(join(cwd, "worth", "results.jsonl")).rows.length;
  expect(worth()).toBe(false);
  await must(asked, { cwd });
  expect(worth()).toBe(true);
  expect(readResults(join(cwd, "worth", "results.jsonl")).rows).toHaveLength(rows);
});

test("what cannot be is said before anything runs", async () => {
  await ready;
  const twice = await trimtab(
    ["compare", "--data", "a/x.trimtab", "b/x.trimtab", "--model", "fm", "--run", "no"],
    { cwd },
  );
  expect([twice.code, twice.err]).toEqual([2, expect.stringContaining('--data names two sets "x"')]);
  const both = await trimtab(study("no", "--model", "fm"), { cwd });
  expect([both.code, both.err]).toEqual([2, expect.stringContaining("leave --data and --model out")]);
  const lr = await trimtab(["compare", "--data", await dataset(), "--model", "fm,lr", "--run", "no"], {
    cwd,
  });
  expect([lr.code, lr.err]).toEqual([2, expect.stringContaining('model "lr" has no embeddings')]);
  expect(existsSync(join(cwd, "no"))).toBe(false);
  const cells = await trimtab(study("no", "--cells", "small/fm,small/dnn"), { cwd });
  expect([cells.code, cells.err]).toEqual([
    2,
    expect.stringContaining('"small/dnn" is no cell of the study'),
  ]);
  const plain = ["compare", "--data", await dataset(), "--model", "fm", "--run", "no"];
  const refused = [
    [study("no", "--seeds", "1,2,1"), "seed 1 is named twice"],
    [study("no", "--budgets", "20%,5%,20%"), "budget 20% is named twice"],
    [[...plain, "--budgets", "20%,20.0%"], "budgets 20% and 20.0% are the same"],
    [[...plain, "--cells", "small/fm"], "--cells names cells of a study"],
  ] as const;
  for (const [args, why] of refused) {
    const { code, err } = await trimtab([...args], { cwd });
    expect([code, err]).toEqual([2, expect.stringContaining(why)]);
  }
  expect(existsSync(join(cwd, "no"))).toBe(false);
  const kinds = await trimtab(["compare", "--data", "x", "--model", "fm,xx", "--run", "no"], { cwd });
  expect([kinds.code, kinds.err]).toEqual([2, expect.stringContaining('"xx" is none of')]);
});
