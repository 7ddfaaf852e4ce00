/** One process at a time in a run folder: two would overwrite each other's checkpoints. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { isAlive } from "@trimtab/tensor-core";
import { z } from "zod";
import { RunFolderError } from "../errors.ts";
import { writeJson } from "./files.ts";

const FILE = "lock.json";
const ownerSchema = z.object({ pid: z.int().positive(), host: z.string() });

/** How to give back what this process holds. */
const held = new Set<() => void>();

/**
 * A process that stops in order (Ctrl-C, an error) leaves no lock: the system may give its id to another one, which would then seem
 * to have the folder.
 */
function releaseAll(): void {
  for (const release of held) {
    try {
      release();
    } catch {
      // a folder that cannot be written any more: at the end of the process nobody can mend it
    }
  }
}

/**
 * Takes the folder for this process and returns how to give it back, which the end of the process does too. The lock of a process
 * that is gone (kill -9) is taken over; that of another machine is not believed, since nobody can be asked.
 */
export function lockFolder(folder: string): () => void {
  const path = join(folder, FILE);
  const owner = ownerOf(path);
  if (owner && owner.host === hostname() && owner.pid !== process.pid && isAlive(owner.pid)) {
    throw new RunFolderError(
      `${folder}: is in use by process ${owner.pid}; wait for it, or remove ${path} if that process is not trimtab.`,
    );
  }
  writeJson(path, { pid: process.pid, host: hostname() });
  const release = () => {
    held.delete(release);
    if (held.size === 0) process.off("exit", releaseAll);
    if (ownerOf(path)?.pid === process.pid) rmSync(path, { force: true });
  };
  // one listener for all: a study holds many folders, and Node warns of many listeners
  if (held.size === 0) process.on("exit", releaseAll);
  held.add(release);
  return release;
}

function ownerOf(path: string): z.output<typeof ownerSchema> | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return ownerSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return undefined; // not written by us, or on its way out
  }
}
