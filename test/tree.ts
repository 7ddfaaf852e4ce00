// The files of the repository, for the tests that read them all.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

/** The checkout. */
export const root = join(import.meta.dirname, "..");

/** Names of the packages, as their folders are called. */
export const packageNames = readdirSync(join(root, "packages"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  .sort();

/** Text of a file of the repository. */
export function textOf(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** TypeScript files under a folder of the repository, as paths from the root. */
export function sourcesUnder(folder: string): string[] {
  const glob = new Bun.Glob("**/*.ts");
  return [...glob.scanSync({ cwd: join(root, folder), absolute: true })]
    .filter((path) => !path.includes("node_modules"))
    .map((path) => relative(root, path))
    .sort();
}

/** Source without its comment lines, which may speak of anything. */
export function withoutComments(source: string): string {
  return source
    .replace(/^\s*\/\*[\s\S]*?\*\//gm, "")
    .split("\n")
    .filter((line) => !/^\s*\/\//.test(line))
    .join("\n");
}

/** Files that git tracks, or where there is no git (an unpacked archive) every file outside node_modules. */
export function trackedFiles(): string[] {
  const git = Bun.spawnSync(["git", "ls-files", "-z"], { cwd: root });
  if (git.exitCode === 0) {
    return git.stdout
      .toString()
      .split("\0")
      .filter((path) => path !== "" && Bun.file(join(root, path)).size > 0);
  }
  const skipped = /(^|\/)(node_modules|runs|shared|\.cache)\//;
  return [...new Bun.Glob("**/*").scanSync({ cwd: root, dot: true })].filter((path) => !skipped.test(path));
}
