/** Checkpoint files that are whole or absent: written to a temporary name, synced, renamed. */
import { closeSync, fstatSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { CheckpointError } from "../errors.ts";
import { type ByteSource, decodeFrom, encodeTensors, type TensorFile } from "./safetensors.ts";
import { removeLeftovers, temporaryOf } from "./temporary.ts";

/**
 * Writes pieces so that `path` holds either its former content or all of the new one, whatever happens. Throws
 * CheckpointError where it cannot be written; then the former content is still there.
 */
export function writeWhole(path: string, pieces: readonly Uint8Array[]): void {
  const temporary = temporaryOf(path);
  try {
    removeLeftovers(path);
    const fd = openSync(temporary, "w");
    try {
      for (const piece of pieces) {
        for (let at = 0; at < piece.length; )
          at += writeSync(fd, piece, at, Math.min(AT_ONCE, piece.length - at));
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
  let fd: number | undefined;
  try {
    fd = openSync(path, "r");
    return decodeFrom(sourceOf(fd), path);
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw new CheckpointError(
      `checkpoint ${path}: ${missing ? "no such file" : `cannot be read (${String(cause)})`}; train first or give another folder.`,
      { cause },
    );
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Bytes that one call moves; some systems move no more than 2^31 - 4096 of them. */
const AT_ONCE = 2 ** 30;

/** A file may be larger than any buffer is (4 GiB); a tensor is not. */
function sourceOf(fd: number): ByteSource {
  return {
    size: fstatSync(fd).size,
    read: (from, to) => {
      const bytes = new Uint8Array(to - from);
      for (let at = 0; at < bytes.length; ) {
        const n = readSync(fd, bytes, at, Math.min(AT_ONCE, bytes.length - at), from + at);
        if (n === 0) throw new Error("it became shorter while it was read");
        at += n;
      }
      return bytes;
    },
  };
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
