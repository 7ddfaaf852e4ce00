/**
 * A run folder (design section 7): config.json, events.jsonl, result.json, schemes/, checkpoints/. config.json is the first
 * file to appear and is whole or absent, so a folder is a run folder exactly when it has one.
 */
import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { type ResultRow, resultRowSchema } from "@trimtab/eval";
import { TEMPORARY } from "@trimtab/tensor-core";
import { z } from "zod";
import { RunFolderError } from "../errors.ts";
import { EventLog } from "./event-log.ts";
import { readJson, writeJson } from "./files.ts";
import { lockFolder } from "./lock.ts";
import { differences, type RunConfig, runConfigSchema } from "./run-config.ts";

const CONFIG = "config.json";
const RESULT = "result.json";
/** What a start that was killed before config.json appeared leaves behind. */
function isLeftover(name: string): boolean {
  const whole = /^(lock|asked|config)\.json/.exec(name)?.[0];
  if (whole === undefined) return false;
  const rest = name.slice(whole.length);
  return rest === "" ? whole !== CONFIG : TEMPORARY.test(rest);
}
/** What the command writes beside a run, with or without anything in it: what was asked for, and a page. */
const REMARKS = ["asked.json", "report.html"];
/** What a run folder may hold beside config.json; starting over removes these and nothing else. */
const OWN = ["events.jsonl", RESULT, "results.jsonl", "notes", "schemes", "fields", "checkpoints"];

export class RunFolder {
  readonly path: string;
  readonly config: RunConfig;
  readonly events: EventLog;
  readonly #unlock: () => void;
  /** By this object: the run, and the folder it is in. */
  #made = false;
  #madeFolder = false;

  private constructor(path: string, config: RunConfig, unlock: () => void) {
    this.path = path;
    this.config = config;
    this.#unlock = unlock;
    this.events = new EventLog(join(path, "events.jsonl"));
  }

  /** True if there is a run at `path`. Throws RunFolderError if something else is. */
  static occupied(path: string): boolean {
    const folder = resolve(path);
    const found = statSync(folder, { throwIfNoEntry: false });
    if (!found) return false;
    if (!found.isDirectory()) throw new RunFolderError(`${path}: is a file; give a folder for the run.`);
    if (existsSync(join(folder, CONFIG))) return true;
    // only what a killed start leaves behind counts as empty
    const others = readdirSync(folder).filter((name) => !isLeftover(name));
    if (others.length === 0) return false;
    throw new RunFolderError(
      `${path}: has ${others.length} entries (${others.slice(0, 3).join(", ")}) but no ${CONFIG}: it is not a run folder, ` +
        "or it was damaged; choose another folder for the run, or empty this one yourself.",
    );
  }

  /** Makes the folder, which must not hold a run. */
  static create(path: string, config: RunConfig): RunFolder {
    if (RunFolder.occupied(path)) {
      throw new RunFolderError(
        `${path}: already holds a run; go on with --resume, replace it with --force, or use another folder.`,
      );
    }
    const folder = resolve(path);
    const madeFolder = mkdirSync(folder, { recursive: true }) !== undefined;
    const unlock = lockFolder(folder);
    writeJson(join(folder, CONFIG), runConfigSchema.parse(config));
    const run = new RunFolder(folder, config, unlock);
    run.#made = true;
    run.#madeFolder = madeFolder;
    return run;
  }

  /** The configuration of the run at `path`, without taking the folder. */
  static configOf(path: string): RunConfig {
    if (!RunFolder.occupied(path)) {
      throw new RunFolderError(
        `${path}: there is no run here; train first with \`trimtab train --run ${path} ...\`.`,
      );
    }
    return readJson(join(resolve(path), CONFIG), runConfigSchema);
  }

  /** Opens the run at `path` for this process. Throws RunFolderError if another one has it. */
  static open(path: string): RunFolder {
    const config = RunFolder.configOf(path);
    const folder = resolve(path);
    return new RunFolder(folder, config, lockFolder(folder));
  }

  /** Opens the run at `path` for a process that works for the one that has it: nothing is locked, so both must know who writes what. */
  static share(path: string): RunFolder {
    return new RunFolder(resolve(path), RunFolder.configOf(path), () => {});
  }

  /**
   * Opens the run at `path` if it was made with `config`, makes it if nothing is there.
   * @throws RunFolderError naming every setting that differs
   */
  static continue(path: string, config: RunConfig): RunFolder {
    if (!RunFolder.occupied(path)) return RunFolder.create(path, config);
    const other = differences(RunFolder.configOf(path), config);
    if (other.length === 0) return RunFolder.open(path);
    throw new RunFolderError(
      `${path}: holds a run with other settings (${other.slice(0, 4).join("; ")}${other.length > 4 ? "; ..." : ""}); ` +
        "give the same settings, start over with --force, or use another folder.",
    );
  }

  /** Starts over at `path`: removes the run that is there, if any, and nothing else in the folder. */
  static replace(path: string, config: RunConfig): RunFolder {
    if (!RunFolder.occupied(path)) return RunFolder.create(path, config);
    const folder = resolve(path);
    const unlock = lockFolder(folder);
    for (const name of OWN) rmSync(join(folder, name), { recursive: true, force: true });
    // until here it was a run, from here on it is another: there is no moment at which it is neither
    writeJson(join(folder, CONFIG), runConfigSchema.parse(config));
    return new RunFolder(folder, config, unlock);
  }

  /** Where checkpoints go, a folder a trained model. */
  get checkpoints(): string {
    return join(this.path, "checkpoints");
  }

  /** Result rows of a comparison, one line each. */
  get resultsFile(): string {
    return join(this.path, "results.jsonl");
  }

  /** Path of a scheme file; the folder is made. */
  schemeFile(name: string): string {
    mkdirSync(join(this.path, "schemes"), { recursive: true });
    return join(this.path, "schemes", `${fileName(name)}.json`);
  }

  /** Names of the scheme files. */
  schemes(): string[] {
    return jsonNames(join(this.path, "schemes"));
  }

  /** Names of the notes. */
  notes(): string[] {
    return jsonNames(join(this.path, "notes"));
  }

  /** Keeps what a search learned. */
  writeNotes(name: string, notes: unknown): void {
    mkdirSync(join(this.path, "notes"), { recursive: true });
    writeJson(join(this.path, "notes", `${fileName(name)}.json`), notes);
  }

  /** Rows of result.json, by the name of the trained model each belongs to. */
  rows(): Record<string, ResultRow> {
    const path = join(this.path, RESULT);
    return existsSync(path) ? readJson(path, resultSchema).rows : {};
  }

  /** Puts the row of a trained model into result.json, in place of an older one. */
  putRow(name: string, row: ResultRow): void {
    this.writeRows({ ...this.rows(), [name]: row });
  }

  /** Writes result.json anew. */
  writeRows(rows: Readonly<Record<string, ResultRow>>): void {
    writeJson(join(this.path, RESULT), { version: 1, rows });
  }

  /**
   * Takes back a start that came to nothing: gives the folder back, and removes it if `create` made the run and nothing was
   * trained, searched or stored in it. What was there before stays.
   */
  abandon(): void {
    this.close();
    if (!this.#made) return;
    const trained =
      existsSync(this.checkpoints) &&
      readdirSync(this.checkpoints, { recursive: true, withFileTypes: true }).some((entry) => entry.isFile());
    const others = readdirSync(this.path).filter(
      (name) => ![CONFIG, "events.jsonl", "checkpoints", ...REMARKS].includes(name),
    );
    if (trained || others.some((name) => OWN.includes(name))) return;
    for (const name of ["checkpoints", "events.jsonl", ...REMARKS, CONFIG])
      rmSync(join(this.path, name), { recursive: true, force: true });
    if (this.#madeFolder && others.length === 0) rmdirSync(this.path);
  }

  /** Gives the folder back. Twice is harmless. */
  close(): void {
    this.events.close();
    this.#unlock();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

const resultSchema = z.strictObject({ version: z.literal(1), rows: z.record(z.string(), resultRowSchema) });

function jsonNames(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .map((name) => name.slice(0, -".json".length))
    .sort();
}

/** A budget or a method as part of a file name: "500k parameters" becomes "500k-parameters". */
export function fileName(name: string): string {
  return name.trim().replace(/[^A-Za-z0-9._%+-]+/g, "-");
}
