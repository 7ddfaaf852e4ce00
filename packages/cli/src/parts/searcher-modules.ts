/** Modules that bring searchers from outside: found by path or by package name, imported, and asked what they export. */
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Searcher } from "@trimtab/search-core";
import { shown } from "./data-source.ts";
import { UsageError } from "./errors.ts";
import { codeOf } from "./module-code.ts";

/** A factory as `defineSearcher` of search-core makes it. */
export type Factory = ((config?: never) => Searcher) & {
  readonly searcherName: string;
  readonly schema: unknown;
};

/**
 * The absolute URL of a module as a person wrote it, a path or a package name, seen from the folder `from`. Throws UsageError if there
 * is none.
 */
export function moduleUrl(written: string, from: string): string {
  const path = resolve(from, written);
  try {
    if (existsSync(path)) return pathToFileURL(Bun.resolveSync(path, from)).href;
    // only where it is installed: asked for an unknown package, Bun would fetch it
    if (installedAt(packageOf(written), from)) return pathToFileURL(Bun.resolveSync(written, from)).href;
  } catch {
    throw new UsageError(
      `searcher module ${written}: is a folder without an entry; name its .ts or .js file, or give its package.json "module".`,
    );
  }
  throw new UsageError(
    `searcher module ${written}: there is no such file, and no package of that name is installed in ${from} or above; ` +
      "give the path of a .ts or .js file, or the name of an installed package.",
  );
}

/** The package's name at the beginning of what is imported, or "" where that is no package. */
function packageOf(written: string): string {
  return /^(@[^/]+\/)?[^./@][^/]*/.exec(written)?.[0] ?? "";
}

/** The folder of a package as code in the folder `from` sees it, or undefined where it is not installed. */
export function installedAt(name: string, from: string): string | undefined {
  if (name === "") return undefined;
  for (let folder = from; ; folder = dirname(folder)) {
    const path = join(folder, "node_modules", name);
    if (existsSync(path)) return path;
    if (folder === dirname(folder)) return undefined;
  }
}

/** A module's URL as a short path, for messages. */
export function moduleName(url: string): string {
  return shown(fileURLToPath(url));
}

/** Imports a module and returns the searchers it exports, at least one. Throws UsageError. */
export async function importSearchers(url: string): Promise<Factory[]> {
  const name = moduleName(url);
  let module: Readonly<Record<string, unknown>>;
  try {
    module = await import(url);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(
      `searcher module ${name}: could not be loaded: ${why}; mend it, or run \`bun install\` in its folder.`,
      { cause },
    );
  }
  const found = [...new Set(Object.values(module).filter(isFactory))];
  if (found.length > 0) {
    const code = await codeOf(url);
    return found.map((factory) => withCode(factory, code));
  }
  const exported = Object.keys(module);
  throw new UsageError(
    `searcher module ${name}: exports no searcher${exported.length > 0 ? `, only ${exported.join(", ")}` : ""}; ` +
      "expected at least one factory made by `defineSearcher` of @trimtab/search-core (a function with searcherName and schema).",
  );
}

/** The factory, but its searchers say of which code they are. */
function withCode(factory: Factory, code: string): Factory {
  const made = (config?: never): Searcher => ({ ...factory(config), code });
  const { searcherName, schema } = factory;
  return Object.assign(made, { searcherName, schema });
}

function isFactory(value: unknown): value is Factory {
  return (
    typeof value === "function" &&
    "searcherName" in value &&
    typeof value.searcherName === "string" &&
    "schema" in value
  );
}
