/** The licence texts that must be wherever the page's script is: those of the installed packages whose code is in it. */
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import { PageError } from "./errors.ts";

/** One text, and the packages that carry it word for word. */
export interface Licence {
  /** "name version", by name. */
  readonly packages: readonly string[];
  readonly text: string;
}

/** What of a bundler's metafile (esbuild's form, which Bun writes too) says whose code ended up in the script. */
const metafileSchema = z.looseObject({
  inputs: z.record(z.string(), z.looseObject({ imports: z.array(z.looseObject({ path: z.string() })) })),
  outputs: z.record(
    z.string(),
    z.looseObject({ inputs: z.record(z.string(), z.looseObject({ bytesInOutput: z.number() })) }),
  ),
});

const packageSchema = z.looseObject({
  name: z.string(),
  version: z.string(),
  dependencies: z.record(z.string(), z.string()).optional(),
});

/**
 * Texts of every package in `node_modules` whose code is in the bundle. A package may have been published with code of a dependency
 * built in (d3-array has internmap so): dependencies that it names and nowhere imports count as in it.
 *
 * @param root what the metafile's paths are relative to
 * @throws PageError where a package has no licence file: a page without it may not be given to anybody
 */
export function licencesOf(metafile: unknown, root = process.cwd()): Licence[] {
  const { inputs, outputs } = metafileSchema.parse(metafile);
  const bundled = Object.values(outputs).flatMap((output) =>
    Object.entries(output.inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  );
  const folders = new Set(bundled.flatMap((path) => packageFolder(resolve(root, path)) ?? []));
  const imported = new Map<string, Set<string>>();
  for (const [path, { imports }] of Object.entries(inputs)) {
    const from = packageFolder(resolve(root, path));
    if (from === undefined) continue;
    const to = imports.flatMap((one) => packageFolder(resolve(root, one.path)) ?? []);
    imported.set(from, new Set([...(imported.get(from) ?? []), ...to]));
  }
  for (const folder of [...folders]) {
    for (const name of Object.keys(packageOf(folder).dependencies ?? {})) {
      const found = dependency(folder, name);
      if (!imported.get(folder)?.has(found)) folders.add(found);
    }
  }
  return byText([...folders]);
}

function byText(folders: readonly string[]): Licence[] {
  const texts = new Map<string, Set<string>>();
  for (const folder of folders) {
    const { name, version } = packageOf(folder);
    const file = readdirSync(folder).find((file) => /^licen[cs]e(\.md|\.txt)?$/i.test(file));
    if (file === undefined) {
      throw new PageError(
        `the report's script has code of ${name} ${version}, which is installed without its licence file; install the packages again (bun install).`,
      );
    }
    const text = readFileSync(join(folder, file), "utf8").trim();
    texts.set(text, (texts.get(text) ?? new Set()).add(`${name} ${version}`));
  }
  return [...texts]
    .map(([text, packages]) => ({ packages: [...packages].sort(), text }))
    .sort((a, b) => a.packages[0]!.localeCompare(b.packages[0]!, "en"));
}

/** The folder of the package that a file belongs to; undefined for our own files. */
function packageFolder(file: string): string | undefined {
  const path = file.replaceAll("\\", "/");
  const at = path.lastIndexOf("/node_modules/");
  if (at < 0) return undefined;
  const rest = path.slice(at + "/node_modules/".length).split("/");
  const name = rest.slice(0, rest[0]!.startsWith("@") ? 2 : 1).join("/");
  return realpathSync(`${path.slice(0, at)}/node_modules/${name}`);
}

function packageOf(folder: string): z.output<typeof packageSchema> {
  return packageSchema.parse(JSON.parse(readFileSync(join(folder, "package.json"), "utf8")));
}

/** Where Node.js' rule finds a package that another one depends on. */
function dependency(folder: string, name: string): string {
  for (let at = folder; at !== dirname(at); at = dirname(at)) {
    const there = join(at, "node_modules", name);
    if (existsSync(there)) return realpathSync(there);
  }
  throw new PageError(
    `${folder} depends on ${name}, which is not installed; install the packages again (bun install).`,
  );
}
