// Fresh folders for tests, removed at the end of the run, and small logs in them.

import { afterAll } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import {
  type Columns,
  Dataset,
  type LogSchemaInput,
  type Manifest,
  type PrepareOptions,
  prepare,
} from "../src/index.ts";

const made: string[] = [];
afterAll(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
});

export function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "trimtab-data-"));
  made.push(folder);
  return folder;
}

/** Writes a file; .gz names are compressed. */
export function put(folder: string, file: string, content: string | Uint8Array): string {
  const path = join(folder, file);
  writeFileSync(path, file.endsWith(".gz") ? gzipSync(content) : content);
  return path;
}

/** Prepares a log and loads it all. */
export async function prepared(
  log: string | { files: Record<string, string>; source?: string },
  schema: LogSchemaInput,
  options: Partial<PrepareOptions> = {},
): Promise<{
  dataset: Dataset;
  manifest: Manifest;
  train: Columns;
  valid: Columns;
  test: Columns;
  folder: string;
}> {
  const folder = freshFolder();
  const files = typeof log === "string" ? { "log.csv": log } : log.files;
  for (const [file, content] of Object.entries(files)) put(folder, file, content);
  const source = join(folder, typeof log === "string" ? "log.csv" : (log.source ?? ""));
  const out = join(folder, "set.trimtab");
  const manifest = await prepare(source, { out, schema, ...options });
  const dataset = await Dataset.open(out);
  const [train, valid, test] = [
    await dataset.load("train"),
    await dataset.load("valid"),
    await dataset.load("test"),
  ];
  return { dataset, manifest, train, valid, test, folder };
}

/** The error a promise ends in. */
export async function failure(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("expected an error, but there was none");
}
