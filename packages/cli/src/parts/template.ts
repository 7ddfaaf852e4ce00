/** The package that `new-searcher` copies, and how a copy finds the packages of Trimtab. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { UsageError } from "./errors.ts";
import { installedAt } from "./searcher-modules.ts";

const TEMPLATE = join(import.meta.dirname, "..", "..", "templates", "searcher");
/** What the template calls itself. */
const NAME = "my-method";

/** Files of the template, as paths inside it. */
function templateFiles(): string[] {
  const all = readdirSync(TEMPLATE, { recursive: true, encoding: "utf8" });
  return all
    .filter((file) => !/(^|[\\/])node_modules([\\/]|$)|^bun\.lock$/.test(file))
    .filter((file) => statSync(join(TEMPLATE, file)).isFile())
    .sort();
}

/** Where this command has a package; those of Trimtab where they really are. */
function here(name: string): string | undefined {
  const at = installedAt(name, import.meta.dirname);
  return at !== undefined && name.startsWith("@trimtab/") ? realpathSync(at) : at;
}

/** Copies the template into a new or empty folder under another name. Returns the files written. Throws UsageError. */
export function copyTemplate(folder: string, name: string): string[] {
  if (existsSync(folder) && (!statSync(folder).isDirectory() || readdirSync(folder).length > 0)) {
    throw new UsageError(`${folder}: is not an empty folder; name a new one.`);
  }
  const core = here("@trimtab/search-core");
  if (core !== undefined && dirname(core) === dirname(resolve(folder))) {
    throw new UsageError(
      `${folder}: lies among the packages of Trimtab itself; name a folder outside ${dirname(core)}.`,
    );
  }
  return templateFiles().map((file) => {
    const text = readFileSync(join(TEMPLATE, file), "utf8").replaceAll(NAME, name);
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), file === "package.json" ? linked(text) : text);
    return file;
  });
}

/**
 * A package.json whose dependencies are those that this command itself runs with: the packages of Trimtab are not published, and a
 * searcher must share their instances with the command, not have others of the same version.
 */
function linked(text: string): string {
  const manifest = JSON.parse(text) as Record<string, Record<string, string>>;
  for (const key of ["dependencies", "devDependencies"]) {
    for (const name of Object.keys(manifest[key]!)) {
      const at = here(name);
      if (at !== undefined) manifest[key]![name] = `link:${at}`;
    }
  }
  return `${JSON.stringify(manifest, null, 2)}\n`;
}
