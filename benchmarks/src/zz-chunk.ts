import { createBatchSource, openDataset } from "@trimtab/data";
import { ChunkStoreTables } from "@trimtab/embeddings";
import { buildModel, deepfm, tableRule, trainStep } from "@trimtab/models";
import { batchFeeds, limitOf, parseBudget, Task } from "@trimtab/search-core";
import { fiitedConfigSchema, Pruner, settingsOf } from "@trimtab/search-fiited";
import { Optimizer, openDevice } from "@trimtab/tensor-core";
const [dataPath, batchS] = process.argv.slice(2);
const batch = Number(batchS);
const device = await openDevice({ engine: "cpu", threads: 1 } as any);
const data = await openDataset(dataPath!);
const model = deepfm({ dim: 16, tableOptimizer: "rowAdam", hidden: [64, 32] });
const task = new Task({ data, model, device, seed: 1, train: { batch } } as any);
const { train, fields } = await task.splits();
const settings = settingsOf(fiitedConfigSchema.parse({ chunks: 4 }), task, train.rows);
const tables = await ChunkStoreTables.make(device, { fields: task.fields, dim: 16, chunks: 4, rule: tableRule(model), seed: 1, candidateBytes: settings.candidateBytes });
const limit = limitOf(parseBudget("35% parameters"), task.uniform);
const live = await buildModel(device, model, task.uniform, { seed: 1, tables });
const plain = await buildModel(device, model, task.uniform, { seed: 1 });
const rampSteps = Math.floor(train.rows / batch);
const pruner = new Pruner(tables.store, { ...settings, limit, rampSteps });
const med = (v: number[]) => [...v].sort((a, b) => a - b)[v.length >> 1]!;
for (const m of [plain, live]) {
  const optimizer = new Optimizer(device, m.groups());
  const source = createBatchSource(train, { fields, tables: m.layouts, batch, seed: 1, shuffle: true, plans: true, dropLast: true } as any);
  let program: any; let gen = -2; let all: number[][] = []; let last: any; let step = 0; const prep: number[] = [], feedT: number[] = [], adj: number[] = [], runT: number[] = [];
  outer: for (let epoch = 0; epoch < 3; epoch++) for await (const b of source.epoch(epoch)) {
    const l = m.tables.live;
    let t = performance.now();
    await l?.prepare(b as any);
    prep.push(performance.now() - t);
    if (!program || (l && l.generation !== gen)) { program?.dispose(); program = await device.compile(trainStep(m, optimizer, batch)); gen = l?.generation ?? -2; all = []; }
    const needs = new Set<string>(program.inputs);
    t = performance.now();
    const own = l ? l.feeds(b as any, true) : {};
    const f = batchFeeds(b, needs, { ...(optimizer.next(needs) as any), ...own });
    feedT.push(performance.now() - t);
    t = performance.now();
    last = await program.profile(f);
    runT.push(performance.now() - t);
    last.forEach((k: any, i: number) => { (all[i] ??= []).push(k.seconds * 1000); });
    b.release();
    step++;
    if (l && pruner.schedule.adjustsAfter(step)) { t = performance.now(); await pruner.stepped(step); adj.push(performance.now() - t); }
    if (step >= rampSteps + 60) break outer;
  }
  console.log(program.print().split(/\n(?=\d+ (?:map|reduce|segment|matmul|grouped) )/).filter((k: string) => /^\d+ map .*map (gather|add)$/m.test(k.split("\n")[0]!)).join("\n---\n"));
  const ks = last.map((k: any, i: number) => ({ ms: med(all[i]!.slice(-30)), kind: k.kind, label: k.label }));
  console.log(m === plain ? "plain" : "live", "kernels", ks.reduce((s: number, k: any) => s + k.ms, 0).toFixed(2), "run", med(runT.slice(-30)).toFixed(2), "prep", med(prep.slice(-30)).toFixed(3), "feeds", med(feedT.slice(-30)).toFixed(3), "adjust", adj.length ? med(adj).toFixed(2) : "", "period", settings.period);
  for (const k of [...ks].sort((a: any, b: any) => b.ms - a.ms).slice(0, 22)) console.log(k.ms.toFixed(3).padStart(8), k.kind.padEnd(9), k.label.slice(0, 120));
}
process.exit(0);
