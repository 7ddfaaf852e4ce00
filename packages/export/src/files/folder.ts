/**
 * An exported folder on disk. It is written under a temporary name, each file synced, and gets its own name when all is done and tested, so
 * that a folder of that name is whole. SHA256SUMS is what `sha256sum -c` reads; it covers the manifest, which covers the rest.
 */
import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { isAlive, syncFolder, writeWhole } from "@trimtab/tensor-core";
import { ExportError, ExportFolderError } from "../errors.ts";
import { type ExportManifest, exportManifestSchema, MANIFEST } from "./manifest.ts";

export const SUMS = "SHA256SUMS";
const CHUNK = 2 ** 24;

type FileEntry = ExportManifest["files"][number];

/** A folder while it is written. */
export class FolderWriter {
  /** Under which it is written. */
  readonly path: string;
  readonly #out: string;
  readonly #force: boolean;
  readonly #files: FileEntry[] = [];

  /** Throws ExportFolderError if `out` is taken by anything but, with `force`, an exported folder. */
  constructor(out: string, { force = false }: { readonly force?: boolean } = {}) {
    this.#out = resolve(out);
    this.#force = force;
    removeLeftovers(this.#out);
    checkFree(this.#out, force);
    const temporary = `${this.#out}.${process.pid}.tmp`;
    rmSync(temporary, { recursive: true, force: true });
    mkdirSync(temporary, { recursive: true });
    this.path = temporary;
  }

  get files(): readonly FileEntry[] {
    return this.#files;
  }

  /** Writes a file and syncs it. */
  write(file: string, pieces: readonly Uint8Array[]): FileEntry {
    const path = join(this.path, file);
    mkdirSync(dirname(path), { recursive: true });
    const hash = createHash("sha256");
    let bytes = 0;
    const fd = openSync(path, "wx");
    try {
      for (const piece of pieces) {
        for (let at = 0; at < piece.length; )
          at += writeSync(fd, piece, at, Math.min(CHUNK, piece.length - at));
        hash.update(piece);
        bytes += piece.length;
      }
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    const entry = { file, bytes, sha256: hash.digest("hex") };
    this.#files.push(entry);
    return entry;
  }

  text(file: string, text: string): FileEntry {
    return this.write(file, [new TextEncoder().encode(text)]);
  }

  /** Writes the manifest, in place of an earlier one, and the sums of all files. */
  manifest(manifest: Omit<ExportManifest, "files">): ExportManifest {
    const whole = exportManifestSchema.parse({ ...manifest, files: this.#files });
    const text = new TextEncoder().encode(`${JSON.stringify(whole, null, 2)}\n`);
    writeWhole(join(this.path, MANIFEST), [text]);
    writeWhole(join(this.path, SUMS), [new TextEncoder().encode(sumsOf(whole, sha256(text)))]);
    return whole;
  }

  /** Gives the folder its name. */
  finish(): void {
    // again: something may have come there since
    checkFree(this.#out, this.#force);
    syncFolders(this.path);
    const old = `${this.#out}.${process.pid}.old.tmp`;
    const replaced = existsSync(this.#out);
    if (replaced) renameSync(this.#out, old);
    renameSync(this.path, this.#out);
    syncFolder(dirname(this.#out));
    if (replaced) rmSync(old, { recursive: true, force: true });
  }

  /** Keeps what was written, under a name that says that it is not to be used. */
  reject(): string {
    let name = `${this.#out}.failed`;
    for (let n = 2; existsSync(name); n++) name = `${this.#out}.failed-${n}`;
    renameSync(this.path, name);
    return name;
  }

  /** Removes what was written. */
  abandon(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** What processes that were killed while they wrote this folder left beside it; one that was being replaced comes back. */
function removeLeftovers(out: string): void {
  const parent = dirname(out);
  if (!existsSync(parent)) return;
  const start = `${basename(out)}.`;
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(start)) continue;
    const [, pid, old] = /^(\d+)(\.old)?\.tmp$/.exec(name.slice(start.length)) ?? [];
    if (pid === undefined || isAlive(Number(pid))) continue;
    if (old && !existsSync(out)) renameSync(join(parent, name), out);
    else rmSync(join(parent, name), { recursive: true, force: true });
  }
}

function checkFree(out: string, force: boolean): void {
  const found = statSync(out, { throwIfNoEntry: false });
  if (!found) return;
  if (found.isDirectory() && readdirSync(out).length === 0) return;
  const ours = found.isDirectory() && existsSync(join(out, MANIFEST)) && existsSync(join(out, SUMS));
  if (ours && force) return;
  throw new ExportFolderError(
    ours
      ? `${out}: an exported model is there; replace it with --force, or give another folder.`
      : `${out}: something else is there; give a folder that is empty or does not exist.`,
  );
}

/** Reads and checks a folder: its manifest, and every file's bytes unless `verify` is "size". Throws ExportFolderError naming the file. */
export function readFolder(
  folder: string,
  { verify = "full" }: { readonly verify?: "full" | "size" } = {},
): ExportManifest {
  const path = join(folder, MANIFEST);
  const text = read(path, "this is no exported model");
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(text));
  } catch {
    throw new ExportFolderError(`${path}: is not JSON; it is damaged, export the model again.`);
  }
  const parsed = exportManifestSchema.safeParse(json);
  if (!parsed.success) {
    const { path: at, message } = parsed.error.issues[0]!;
    throw new ExportFolderError(
      `${path}: ${at.join(".")}: ${message}; it is damaged or of another version, export the model again.`,
    );
  }
  const manifest = parsed.data;
  const sums = new TextDecoder().decode(read(join(folder, SUMS), "the folder is incomplete"));
  if (sums !== sumsOf(manifest, sha256(text))) {
    throw new ExportFolderError(
      `${path}: does not agree with ${SUMS}; one of them was altered, export the model again.`,
    );
  }
  for (const { file, bytes, sha256: sum } of manifest.files) {
    const at = join(folder, file);
    const size = statSync(at, { throwIfNoEntry: false })?.size;
    if (size !== bytes) {
      throw new ExportFolderError(
        `${at}: ${size === undefined ? "is missing" : `has ${size} bytes, the manifest says ${bytes}`}; export the model again.`,
      );
    }
    if (verify === "full" && sha256OfFile(at) !== sum) {
      throw new ExportFolderError(
        `${at}: its sha256 is not the manifest's; it was altered, export the model again.`,
      );
    }
  }
  return manifest;
}

function read(path: string, why: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new ExportFolderError(`${path}: cannot be read: ${why}; check the path.`, { cause });
  }
}

function sumsOf({ files }: Pick<ExportManifest, "files">, manifest: string): string {
  const odd = files.find(({ file }) => /[\n\\]/.test(file));
  if (odd) throw new ExportError(`${SUMS} cannot hold the file name ${JSON.stringify(odd.file)}.`);
  const lines = [{ file: MANIFEST, sha256: manifest }, ...files].map((f) => `${f.sha256}  ${f.file}\n`);
  return lines.join("");
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** In pieces: a file may be larger than what is read at once. */
function sha256OfFile(path: string): string {
  const hash = createHash("sha256");
  const piece = new Uint8Array(CHUNK);
  const fd = openSync(path, "r");
  try {
    for (let n = readSync(fd, piece); n > 0; n = readSync(fd, piece)) hash.update(piece.subarray(0, n));
  } finally {
    closeSync(fd);
  }
  return hash.digest("hex");
}

function syncFolders(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) syncFolders(join(folder, entry.name));
  }
  syncFolder(folder);
}
