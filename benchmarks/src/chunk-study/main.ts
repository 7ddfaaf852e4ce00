/**
 * The study of chunks that come and go while training (FIITED), at equal total training bytes: see USAGE. For each seed the dense model, then
 * `fiited` at each pruned share, and for what each of these needed in all the baselines: row pruning, hashed rows and smaller dims. Every
 * trial is a process and a file; what is there is not computed again, so the same command goes on after any interruption.
 */
import { openDataset } from "@trimtab/data";
import { formatBytes, formatSeconds, formatTimeLeft } from "@trimtab/eval";
import { Task } from "@trimtab/search-core";
import { openDevice } from "@trimtab/tensor-core";
import { StudyError } from "./errors.ts";
import { StudyFolder } from "./folder.ts";
import { readArguments, settingsFor, type Typed } from "./options.ts";
import { METHODS, type OnTrial, SeedStudy } from "./seed.ts";

async function compute(typed: Typed, folder: StudyFolder): Promise<void> {
  const data = await openDataset(typed.data);
  const settings = settingsFor(typed, data);
  folder.claim(settings);
  // for schemes alone, which ask a task for its fields
  using device = await openDevice({ engine: "cpu", threads: 1 });
  const { model, train } = settings;
  const all = typed.seeds.length * typed.shares.length * METHODS.length;
  let done = 0;
  const session = { seconds: 0, cells: 0, fresh: false };
  const onTrial: OnTrial = ({ seed, name }, { took, trained, impossible }, known) => {
    if (!known) {
      session.seconds += took;
      session.fresh = true;
    }
    const seconds = `${formatSeconds(took)}${known ? ", known" : ""}`;
    if (!trained) console.log(`seed ${seed} ${name}: ${impossible ?? "loaded the data"} (${seconds})`);
    else {
      const { auc } = trained.row.metrics.test!;
      console.log(
        `seed ${seed} ${name}: test AUC ${auc.toFixed(4)}, ${formatBytes(trained.bytes.end)} at the end, ${formatBytes(trained.bytes.peak)} at the peak (${seconds})`,
      );
    }
  };
  for (const seed of typed.seeds) {
    const study = new SeedStudy({
      folder,
      settings,
      threads: typed.threads,
      equal: typed.equal,
      shares: typed.shares,
      task: new Task({ data, model, train, device, seed }),
      onTrial,
      onCell: ({ share, method, missing }) => {
        done++;
        if (missing !== undefined)
          console.log(`seed ${seed} ${method} at ${share}%: not possible, ${missing}`);
        if (session.fresh) session.cells++;
        session.fresh = false;
        const left = (session.seconds / Math.max(1, session.cells)) * (all - done);
        console.log(`${done} of ${all} cells${left > 0 ? `; about ${formatTimeLeft(left)} left` : ""}`);
      },
    });
    await study.run();
  }
}

async function main(): Promise<void> {
  const typed = readArguments(process.argv.slice(2));
  const folder = new StudyFolder(typed.out);
  if (!typed.tables) return await compute(typed, folder);
  const { printTables } = await import("./tables.ts");
  printTables(folder, typed.equal);
  if (typed.picture === undefined) return;
  const { drawCurves } = await import("./picture.ts");
  drawCurves(folder, typed.equal, typed.picture);
}

try {
  await main();
  process.exit(0);
} catch (reason) {
  if (!(reason instanceof StudyError)) throw reason;
  console.error(reason.message);
  process.exit(1);
}
