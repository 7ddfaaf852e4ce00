/** JSON files that are whole or absent, and errors that name the file where one is not. */
import { existsSync, readFileSync } from "node:fs";
import { writeWhole } from "@trimtab/tensor-core";
import type { z } from "zod";
import { parseConfig } from "../config.ts";
import { ConfigError, RunFolderError } from "../errors.ts";

/** Writes a value so that the file holds either its former content or all of the new one. */
export function writeJson(path: string, value: unknown): void {
  writeWhole(path, [new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`)]);
}

/** Reads a file of a run folder. Throws RunFolderError that names the file and how to mend it. */
export function readJson<S extends z.ZodType>(path: string, schema: S): z.output<S> {
  if (!existsSync(path)) throw new RunFolderError(`${path}: is missing; the run folder is half written.`);
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    throw new RunFolderError(
      `${path}: is not JSON, so the run folder is half written or damaged; start over with --force, or use another folder.`,
    );
  }
  try {
    return parseConfig(schema, json, path);
  } catch (reason) {
    if (!(reason instanceof ConfigError)) throw reason;
    throw new RunFolderError(
      `${reason.message} It was written by another version or altered; start over with --force, or use another folder.`,
    );
  }
}
