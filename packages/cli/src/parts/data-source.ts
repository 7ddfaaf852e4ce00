/** DATA on the command line: a prepared dataset folder, or a raw log that is prepared once into a cache. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { type Dataset, openDataset, type PrepareProgress, prepare } from "@trimtab/data";
import manifest from "../../package.json" with { type: "json" };
import type { Context } from "./context.ts";

/** Opens `path`; a raw source is prepared into `cache` unless an earlier run did. */
export async function openData(context: Context, path: string, cache: string): Promise<Dataset> {
  if (existsSync(join(path, "manifest.json")) || !existsSync(path)) return openDataset(path);
  const out = join(cache, `${nameOf(path)}-${keyOf(path)}.trimtab`);
  if (existsSync(out)) {
    context.note(`data: ${path} was prepared before, in ${shown(out)}`);
    return openDataset(out);
  }
  const { warnings } = await prepare(path, { out, signal: context.signal }, prepareReport(context));
  context.note(`data: ${path} was prepared once into ${shown(out)}`);
  for (const { message } of warnings) context.note(`warning: ${message}`);
  return openDataset(out);
}

/** Shows the phases of preparing. */
export function prepareReport(context: Context): (progress: PrepareProgress) => void {
  return ({ phase, share, detail }) => {
    context.progress.update(`preparing: ${phase}`, share, detail ?? "");
  };
}

/** Changes when a file of the source does, by names, sizes and times, without reading what may be gigabytes; and with the version that prepares it. */
function keyOf(path: string): string {
  const folder = statSync(path).isDirectory();
  const beside = [path, `${path}.schema.json`, join(dirname(path), "schema.json")];
  const files = folder
    ? readdirSync(path).map((name) => join(path, name))
    : beside.filter((f) => existsSync(f));
  const seen = files.sort().map((file) => {
    const { size, mtimeMs } = statSync(file);
    return [basename(file), size, mtimeMs];
  });
  return createHash("sha256")
    .update(JSON.stringify([resolve(path), seen, manifest.version]))
    .digest("hex")
    .slice(0, 12);
}

function nameOf(path: string): string {
  return basename(resolve(path)).replace(/(\.(csv|tsv|parquet|libsvm|svm))?(\.gz)?$/i, "");
}

/** A path as short as it can be written from here. */
export function shown(path: string): string {
  const near = relative(process.cwd(), resolve(path));
  return near !== "" && !near.startsWith("..") ? near : path;
}
