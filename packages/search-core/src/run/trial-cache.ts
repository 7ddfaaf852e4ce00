/**
 * What was trained and searched before, by what fixes it, shared by all runs beside each other: a comparison asks here before it
 * trains or searches. Every file is whole or absent and never changed, so that any number of processes may read and write at once.
 *
 * The version of trimtab is part of a key, the state of a working copy is not: whoever changes how models train takes another folder.
 */
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, linkSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { schemeFromJSON } from "@trimtab/embeddings";
import { parseResultRow, type ResultRow } from "@trimtab/eval";
import { loadTensors, temporaryOf } from "@trimtab/tensor-core";
import { z } from "zod";
import manifest from "../../package.json" with { type: "json" };
import type { Found } from "../searcher.ts";
import { readJson, writeJson } from "./files.ts";
import { type SavedSearch, savedSearchSchema } from "./saved-search.ts";

const searchFileSchema = z.strictObject({
  saved: savedSearchSchema,
  /** Each found scheme as JSON, in the order of `saved.found`. */
  schemes: z.array(z.json()),
});
/** A trained model's files (training/keeper.ts). `latest` is the last to be put in place: it makes a folder one to resume from. */
const CHECKPOINT = ["best.safetensors", "latest.safetensors"] as const;

export class TrialCache {
  readonly folder: string;
  readonly #device: string;
  readonly #onDamage: (path: string) => void;

  /**
   * `device` names what gives the same bits (`sameBits`). Nothing is written before there is something to keep. A file that cannot be read is
   * no reason to stop: `onDamage` hears of it, it counts as absent, and what is trained again takes its place.
   */
  constructor(folder: string, device: string, onDamage: (path: string) => void = () => {}) {
    this.folder = folder;
    this.#device = device;
    this.#onDamage = onDamage;
  }

  /** The row of a training but for its scheme, or undefined. */
  row(key: string): ResultRow | undefined {
    return this.#read(key, "row.json", (path) => parseResultRow(readJson(path, z.json()), path));
  }

  /** Without the scheme: who asks by the key has it, and a mask may be megabytes. */
  keepRow(key: string, row: ResultRow): void {
    const { scheme: _, ...config } = row.config;
    writeJson(this.#made(key, "row.json"), { ...row, config });
  }

  /** What a search found, or undefined. */
  search(key: string): { readonly found: readonly Found[]; readonly saved: SavedSearch } | undefined {
    return this.#read(key, "search.json", (path) => {
      const { saved, schemes } = readJson(path, searchFileSchema);
      const found = saved.found.map(({ budget }, i) => ({
        ...{ budget, scheme: schemeFromJSON(schemes[i], path) },
      }));
      return { found, saved };
    });
  }

  keepSearch(key: string, saved: SavedSearch, found: readonly Found[]): void {
    const schemes = found.map(({ scheme }) => scheme.toJSON());
    // earlier searches of the folder may have found more budgets than this one was asked
    const asked = saved.found.filter(({ budget }) => found.some((one) => one.budget === budget));
    writeJson(this.#made(key, "search.json"), { saved: { ...saved, found: asked }, schemes });
  }

  /** Puts a finished training's checkpoint into `folder`, unless one is there. It costs no bytes where both are on one disk. */
  adoptCheckpoint(key: string, folder: string): void {
    const files = CHECKPOINT.map((name) => ({ from: this.#file(key, name), to: join(folder, name) }));
    if (!files.every(({ from }) => existsSync(from)) || existsSync(files[1]!.to)) return;
    // the run that adopts it would find the damage, and adopt it again
    for (const { from } of files) if (this.#damaged(from)) return;
    mkdirSync(folder, { recursive: true });
    for (const { from, to } of files) share(from, to);
  }

  /** Keeps the checkpoint of a finished training. */
  keepCheckpoint(key: string, folder: string): void {
    for (const name of CHECKPOINT) {
      const from = join(folder, name);
      if (existsSync(from)) share(from, this.#made(key, name));
    }
  }

  #damaged(path: string): boolean {
    try {
      loadTensors(path);
      return false;
    } catch {
      this.#onDamage(path);
      return true;
    }
  }

  #read<T>(key: string, name: string, read: (path: string) => T): T | undefined {
    const path = this.#file(key, name);
    if (!existsSync(path)) return undefined;
    try {
      return read(path);
    } catch {
      this.#onDamage(path);
      return undefined;
    }
  }

  #file(key: string, name: string): string {
    const full = createHash("sha256")
      .update(JSON.stringify([key, this.#device, manifest.version]))
      .digest("hex")
      .slice(0, 24);
    return join(this.folder, full.slice(0, 2), `${full}.${name}`);
  }

  #made(key: string, name: string): string {
    const path = this.#file(key, name);
    mkdirSync(join(path, ".."), { recursive: true });
    return path;
  }
}

/** The same file under a second name, or a copy where the disks differ. Files of a run are replaced, never changed, so sharing is safe. */
function share(from: string, to: string): void {
  const temporary = temporaryOf(to);
  rmSync(temporary, { force: true });
  try {
    linkSync(from, temporary);
  } catch {
    copyFileSync(from, temporary);
  }
  renameSync(temporary, to);
}
