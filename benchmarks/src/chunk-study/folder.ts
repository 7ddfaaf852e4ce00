/** The folder of a study: one file for each trial, whole or absent, and what of them each cell of the tables is. */
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { writeJson } from "@trimtab/search-core";
import { StudyError } from "./errors.ts";
import type { Equal, Settings } from "./options.ts";
import type { Answer, Job, Method, Request } from "./trial.ts";

/** A method at a pruned share: a trial, or why there is none. */
export interface Cell {
  readonly seed: number;
  /** In percent. */
  readonly share: number;
  readonly method: Method;
  readonly trial?: string;
  readonly missing?: string;
  /** Total training bytes it was given. */
  readonly target?: number;
}

export class StudyFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = resolve(path);
    mkdirSync(join(this.path, "trials"), { recursive: true });
  }

  /** Writes down the settings, or throws StudyError where the folder is of other ones. */
  claim(settings: Settings): void {
    const path = join(this.path, "settings.json");
    // by its hash, not by where it lies
    const { data: _, ...own } = settings;
    const before = readJson(path);
    if (before === undefined) writeJson(path, own);
    else if (JSON.stringify(before) !== JSON.stringify(JSON.parse(JSON.stringify(own)))) {
      throw new StudyError(
        `${path}: the folder is of other settings (data, model, training or live methods); give --out another folder.`,
      );
    }
  }

  #file({ seed, name }: Pick<Request, "seed" | "name">): string {
    return join(this.path, "trials", `seed-${seed}-${name}.json`);
  }

  /** undefined if it is not computed yet. Throws StudyError where the file is of another request. */
  known(request: Request): Answer | undefined {
    const file = this.#file(request);
    const answer = readJson(file) as Answer | undefined;
    if (answer === undefined || JSON.stringify(answer.request) === JSON.stringify(request)) return answer;
    throw new StudyError(
      `${file}: is of another request under the same name; remove it, or give --out another folder.`,
    );
  }

  get answers(): Answer[] {
    const folder = join(this.path, "trials");
    return readdirSync(folder)
      .filter((name) => name.endsWith(".json"))
      .map((name) => readJson(join(folder, name)) as Answer);
  }

  /** Computes it in a process of its own. Throws StudyError if that fails. */
  async compute(settings: Settings, threads: number, request: Request): Promise<Answer> {
    const job: Job = { settings, threads, request, file: this.#file(request) };
    const child = Bun.spawn([process.execPath, join(import.meta.dirname, "child.ts"), JSON.stringify(job)], {
      // open as long as this process lives
      stdin: "pipe",
      stdout: "inherit",
      stderr: "inherit",
    });
    const code = await child.exited;
    const answer = code === 0 ? this.known(request) : undefined;
    if (answer) return answer;
    throw new StudyError(`seed ${request.seed}, ${request.name}: its process ended with ${code}; see above.`);
  }

  cells(equal: Equal): Cell[] {
    return (readJson(join(this.path, `cells-${equal}.json`)) as Cell[] | undefined) ?? [];
  }

  /** Puts a cell in the place of one that was there. */
  keep(equal: Equal, cell: Cell): void {
    const others = this.cells(equal).filter(
      ({ seed, share, method }) => seed !== cell.seed || share !== cell.share || method !== cell.method,
    );
    writeJson(join(this.path, `cells-${equal}.json`), [...others, cell]);
  }
}

function readJson(path: string): unknown {
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    throw new StudyError(`${path}: is not JSON; remove it, and it is computed again.`);
  }
}
