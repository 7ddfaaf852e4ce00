/** Checkpoint files that are whole or absent: written to a temporary name, synced, renamed. */

import { createHash, randomBytes } from "node:crypto";
import {
  closeSync,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { CheckpointError } from "../errors.ts";
import { type ByteSource, decodeFrom, encodeTensors, type TensorFile } from "./safetensors.ts";

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

/**
 * This machine and this process in temporary names: of processes of others nobody here can tell whether they live, and containers that
 * share a folder may have given out the same id. Made on first use: where there are no files (a browser) there is no machine to ask.
 */
let names: { readonly host: string; readonly own: string } | undefined;

function ownNames(): NonNullable<typeof names> {
  names ??= {
    host: createHash("sha256").update(hostname()).digest("hex").slice(0, 8),
    own: randomBytes(4).toString("hex"),
  };
  return names;
}

/** What `temporaryOf` puts behind a path; the machine and the process that wrote it. */
export const TEMPORARY = /^\.([0-9a-f]{8})-(\d+)-[0-9a-f]{8}\.tmp$/;

/** The name under which this process writes `path` before it is whole. */
export function temporaryOf(path: string): string {
  const { host, own } = ownNames();
  return `${path}.${host}-${process.pid}-${own}.tmp`;
}

/** What processes of this machine that were killed while they wrote `path` left beside it; else each kill would cost a file for good. */
export function removeLeftovers(path: string): void {
  const own = basename(path);
  for (const name of readdirSync(dirname(path))) {
    if (!name.startsWith(own)) continue;
    const [, host, pid] = TEMPORARY.exec(name.slice(own.length)) ?? [];
    if (host === ownNames().host && !isAlive(Number(pid))) rmSync(join(dirname(path), name), { force: true });
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
