/** Checkpoint files that are whole or absent: written to a temporary name, synced, renamed. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { CheckpointError } from "../errors.ts";
import { decodeTensors, encodeTensors, type TensorFile } from "./safetensors.ts";

/** Writes pieces so that `path` holds either its former content or all of the new one, whatever happens. */
export function writeWhole(path: string, pieces: readonly Uint8Array[]): void {
  const temporary = `${path}.${process.pid}.tmp`;
  const fd = openSync(temporary, "w");
  try {
    for (const piece of pieces) {
      for (let at = 0; at < piece.length; ) at += writeSync(fd, piece, at, piece.length - at);
    }
    fsyncSync(fd);
  } catch (reason) {
    closeSync(fd);
    rmSync(temporary, { force: true });
    throw new CheckpointError(
      `checkpoint ${path}: cannot be written (${String(reason)}); free space or choose another folder.`,
    );
  }
  closeSync(fd);
  renameSync(temporary, path);
  // the rename itself must reach the disk too
  const folder = openSync(dirname(path), "r");
  fsyncSync(folder);
  closeSync(folder);
}

export function saveTensors(path: string, file: TensorFile): void {
  writeWhole(path, encodeTensors(file));
}

export function loadTensors(path: string): TensorFile {
  if (!existsSync(path))
    throw new CheckpointError(`checkpoint ${path}: no such file; train first or give another folder.`);
  return decodeTensors(new Uint8Array(readFileSync(path)), path);
}
