/**
 * `bun benchmarks/src/study-tables.ts RUN_FOLDER ... [--data DATASET_FOLDER] [--rare 10]`: comparisons as the tables of docs/results.md, test AUC
 * as mean ± sd over seeds, and what is told apart from what. With --data also which share of pruned numbers lies in rare features.
 */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { openDataset } from "@trimtab/data";
import { ElementScheme, loadScheme } from "@trimtab/embeddings";
import { formatCount } from "@trimtab/eval";
import { advantages } from "@trimtab/search-core";
import { rareShare } from "@trimtab/search-pep";
import { lastRows } from "./rows.ts";
import { auc, baseText, line, mean } from "./study-text.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: "string" },
    rare: { type: "string", default: "10" },
    judged: { type: "string", default: "pep" },
  },
});
for (const folder of positionals) {
  const rows = lastRows(folder);
  const base = rows.filter((r) => r.method === "base");
  const budgets = [...new Set(rows.flatMap((r) => r.budget ?? []))];
  const methods = [...new Set(rows.map((r) => r.method))].filter((m) => m !== "base");
  const of = (method: string, budget: string) =>
    rows.filter((r) => r.method === method && r.budget === budget);
  const title = `${base[0]!.dataset}, ${base[0]!.model} (${baseText(base)})`;
  console.log(`\n## ${basename(folder)}: seeds ${base.map((r) => r.seeds.run).join(", ")}\n`);
  console.log(line([title, ...budgets]));
  console.log(line(["---", ...budgets.map(() => "---")]));
  for (const method of methods) {
    const cell = (budget: string) =>
      of(method, budget).length > 0 ? auc(of(method, budget)) : "not possible";
    console.log(line([method, ...budgets.map(cell)]));
  }
  for (const method of methods.filter((m) => m === values.judged || m === "magnitude")) {
    const numbers = budgets
      .map((b) => of(method, b))
      .map((l) => (l.length > 0 ? formatCount(Math.round(mean(l.map((r) => r.parameters)))) : "-"));
    console.log(line([`numbers kept by ${method}`, ...numbers]));
  }
  console.log("");
  for (const a of advantages(rows, values.judged)) {
    if (a.verdict === "within noise") continue;
    console.log(
      `${a.method} ${a.budget}: ${a.verdict} than ${a.other}, ${a.mean >= 0 ? "+" : ""}${a.mean.toFixed(4)} ± ${a.noise.toFixed(4)} (${a.seeds.length} seeds)`,
    );
  }
  const perStep = notesOf(folder).flatMap(({ notes }) =>
    typeof notes.secondsPerStep === "number" ? notes.secondsPerStep : [],
  );
  if (perStep.length > 0)
    console.log(`seconds a search step: ${perStep.map((s) => s.toFixed(5)).join(", ")}`);
  if (values.data) await rare(folder, values.data, Number(values.rare));
}

interface Notes {
  readonly method: string;
  readonly seed: number;
  readonly found: readonly { readonly budget: string; readonly scheme: string }[];
  readonly notes: Readonly<Record<string, unknown>>;
}

function notesOf(folder: string): Notes[] {
  const notes = join(folder, "notes");
  return readdirSync(notes).map((name) => JSON.parse(readFileSync(join(notes, name), "utf8")) as Notes);
}

/** A line for each method and budget: means over seeds. */
async function rare(folder: string, data: string, atMost: number): Promise<void> {
  const train = await (await openDataset(data)).load("train");
  const all = new Map<string, ReturnType<typeof rareShare>[]>();
  for (const { method, found } of notesOf(folder)) {
    for (const { budget, scheme: file } of found) {
      const scheme = loadScheme(join(folder, "schemes", `${file}.json`));
      if (!(scheme instanceof ElementScheme)) continue;
      const key = `${method} ${budget}`;
      all.set(key, [...(all.get(key) ?? []), rareShare(scheme, train, atMost)]);
    }
  }
  const percent = (list: readonly number[]) => `${(100 * mean(list)).toFixed(1)}%`;
  for (const [key, shares] of all) {
    console.log(
      `${key}: features seen at most ${atMost} times are ${percent(shares.map((s) => s.rareFeatureShare))} of all and hold ` +
        `${percent(shares.map((s) => s.prunedInRare))} of the pruned numbers; pruned ${percent(shares.map((s) => s.rarePruned))} of rare, ` +
        `${percent(shares.map((s) => s.frequentPruned))} of other features' numbers`,
    );
  }
}
