/**
 * Names of the checkpoint folders of a comparison's trainings: METHOD-BUDGET where a method trains itself and for a model that is kept; while a
 * comparison trains, the beginning of the training's key behind it, because another configuration of the method trains another model.
 */
import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileName } from "./run-folder.ts";

const KEY_OR_NONE = /^(-[0-9a-f]{8})?$/;

export const trialName = (method: string, budget: string): string =>
  `${fileName(method)}-${fileName(budget)}`;

export const keyedName = (name: string, key: string): string => `${name}-${key.slice(0, 8)}`;

/** The last model of a method and budget that was trained to its end is found by these: its folder in `parent` gets the plain name. */
export function settleTrial(parent: string, name: string, key: string): void {
  rmSync(join(parent, name), { recursive: true, force: true });
  renameSync(join(parent, keyedName(name, key)), join(parent, name));
}

/** Removes the checkpoints of a training whose row is there, and what earlier configurations left of theirs. */
export function clearTrial(parent: string, name: string): void {
  if (!existsSync(parent)) return;
  for (const found of readdirSync(parent)) {
    if (found.startsWith(name) && KEY_OR_NONE.test(found.slice(name.length)))
      rmSync(join(parent, found), { recursive: true, force: true });
  }
}
