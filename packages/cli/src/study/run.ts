/** Runs a study: in this process one part after another, or several parts at once in processes of their own. */
import { availableParallelism } from "node:os";
import type { Device } from "@trimtab/tensor-core";
import { compareHere, noteAsked } from "../parts/comparing.ts";
import type { Context } from "../parts/context.ts";
import { type DeviceChoice, withDevice } from "../parts/device.ts";
import {
  type CellResult,
  comparisonOf,
  conduct,
  recallCells,
  type StudyOptions,
  type StudyResult,
} from "./conduct.ts";
import { Tally, trainingSeconds } from "./tally.ts";
import { overallText } from "./view.ts";

export interface RunStudyOptions extends DeviceChoice {
  readonly jobs?: number;
}

/** Throws Interrupted when the user stops it. In this process a failure ends the study; of processes it is told in the result. */
export async function runStudy(
  context: Context,
  { jobs, engine, threads, adapter, debug }: RunStudyOptions,
  study: Omit<StudyOptions, "jobs" | "device">,
): Promise<StudyResult> {
  const again = "Run the same command again: it goes on where it stood.";
  return await withDevice({ engine, threads, adapter, debug }, again, async (device) => {
    const cores = availableParallelism();
    const cpu = device.info.engine === "cpu";
    // one GPU is shared by all, so that processes beside each other gain nothing there and need their memory at once
    const processes = jobs ?? (cpu ? Math.max(1, Math.floor(cores / (threads ?? 1))) : 1);
    const share = cpu ? { threads: threads ?? Math.max(1, Math.floor(cores / processes)) } : { adapter };
    const options: StudyOptions = {
      ...study,
      jobs: processes,
      device: { engine: cpu ? "cpu" : engine, debug, ...share },
    };
    if (processes === 1) return await here(context, options, device);
    for (const { open } of study.cells) noteAsked(open.run, study);
    return await conduct(context, options, device);
  });
}

async function here(context: Context, options: StudyOptions, device: Device): Promise<StudyResult> {
  const tally = new Tally(1);
  for (const { cell, comparison } of await recallCells(context, options, device)) {
    tally.add(cell.name, comparison);
  }
  const cells: CellResult[] = [];
  for (const cell of options.cells) {
    const asked = comparisonOf(context, options, cell, device);
    const comparison = await compareHere(context, asked, ({ method, budget, seeds, seconds }, known) => {
      const part = { cell: cell.name, seed: seeds.run ?? 0, method };
      if (!tally.row(part, budget, known, trainingSeconds(seconds))) return;
      context.progress.line(overallText(tally.overall));
    });
    cells.push({ cell, comparison });
  }
  return { cells, failures: [] };
}
