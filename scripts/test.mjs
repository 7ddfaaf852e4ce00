// Runs the tests: every package in a process of its own, one after another. In one process for all, what the first packages leave
// behind (memories of engines, threads, compiled programs) makes those of the last ten times slower.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { runToEnd } from "./process.mjs";

/** Out of time, or ended from outside: the rest would end as well. */
const STOPPED = [124, 130, 137, 143];

/** Folders with tests, the packages first. */
function testFolders(root) {
  const packages = readdirSync(join(root, "packages"))
    .filter((name) => existsSync(join(root, "packages", name, "package.json")))
    .map((name) => `./packages/${name}`);
  return [...packages, "./benchmarks", "./test"];
}

/** `args` are those of `bun test`; one that names tests runs in one process. Resolves with an exit code. */
export async function runTests(bun, root, args, seconds) {
  const named = args.some((arg) => !arg.startsWith("-"));
  const groups = named ? [[]] : testFolders(root).map((folder) => [folder]);
  const until = Date.now() + seconds * 1000;
  const failed = [];
  for (const folders of groups) {
    const left = Math.max(1, Math.ceil((until - Date.now()) / 1000));
    const code = await runToEnd(bun, ["test", "--timeout", "60000", ...folders, ...args], {
      cwd: root,
      root,
      seconds: left,
    });
    if (STOPPED.includes(code)) return code;
    if (code !== 0) failed.push(folders.join(" "));
  }
  if (named) return failed.length > 0 ? 1 : 0;
  console.log(
    failed.length === 0
      ? `All tests of ${groups.length} folders passed.`
      : `Tests failed in ${failed.join(", ")}; what failed is told above.`,
  );
  return failed.length > 0 ? 1 : 0;
}
