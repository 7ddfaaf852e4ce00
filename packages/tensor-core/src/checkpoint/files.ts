/** Checkpoint files that are whole or absent: written to a temporary name, synced, renamed. */
import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { CheckpointError } from "../errors.ts";
import { decodeTensors, encodeTensors, type TensorFile } from "./safetensors.ts";

/**
 * Writes pieces so that `path` holds either its former content or all of the new one, whatever happens. Throws
 * CheckpointError where it cannot be written; then the former content is still there.
 */
export function writeWhole(path: string, pieces: readonly Uint8Array[]): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    removeLeftovers(path);
    const fd = openSync(temporary, "w");
    try {
      for (const piece of pieces) {
        for (let at = 0; at < piece.length; ) at += writeSync(fd, piece, at, piece.length - at);
      }
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (cause) {
    try {
      rmSync(temporary, { force: true });
    } catch {
      // a file system that may not be written refuses this as well, even where there is nothing to remove
    }
    throw new CheckpointError(
      `${path}: cannot be written (${String(cause)}); check that its folder is there, free space, or choose another place.`,
      { cause },
    );
  }
}

/** Writes a safetensors file, whole or not at all. Throws CheckpointError as `encodeTensors` and `writeWhole` do. */
export function saveTensors(path: string, file: TensorFile): void {
  writeWhole(path, encodeTensors(file));
}

/** Reads a safetensors file. Throws CheckpointError naming the file where it is missing, torn or damaged. */
export function loadTensors(path: string): TensorFile {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw new CheckpointError(
      `checkpoint ${path}: ${missing ? "no such file" : `cannot be read (${String(cause)})`}; train first or give another folder.`,
      { cause },
    );
  }
  return decodeTensors(bytes, path);
}

/** What processes that were killed while they wrote `path` left beside it; else each kill would cost a file for good. */
export function removeLeftovers(path: string): void {
  const start = `${basename(path)}.`;
  for (const name of readdirSync(dirname(path))) {
    if (!name.startsWith(start) || !name.endsWith(".tmp")) continue;
    const pid = Number(name.slice(start.length, -4));
    if (Number.isInteger(pid) && pid > 0 && !isAlive(pid)) rmSync(join(dirname(path), name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** Sends the names in a folder to the disk: a rename must reach it too. Windows has no such call and keeps its own journal. */
export function syncFolder(folder: string): void {
  if (process.platform === "win32") return;
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
