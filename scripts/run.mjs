#!/usr/bin/env node
// Runs Trimtab from a bare checkout: `npm start`, `npm test`, or the same with Bun. Plain JavaScript without
// dependencies, because it runs before anything is installed, under Node 18 and later or under Bun.
//
//   node scripts/run.mjs demo [...arguments of `trimtab demo`]
//   node scripts/run.mjs test [...arguments of `bun test`]
//   node scripts/run.mjs setup
//
// Each job first installs what is missing (packages, then a graphics driver), so a second start goes straight on.
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureDriver } from "./driver.mjs";
import { ensureInstalled } from "./install.mjs";
import { runToEnd } from "./process.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const TEST_FOLDERS = ["./packages", "./benchmarks", "./test"];
const usage = "usage: node scripts/run.mjs <demo|test|setup> [arguments]";

async function main([job, ...rest]) {
  // `bun start -- --data DIR` hands the dashes on, npm takes them away: both must mean the same.
  const args = rest[0] === "--" ? rest.slice(1) : rest;
  if (!["demo", "test", "setup"].includes(job)) {
    console.error(`${job === undefined ? "no job was named" : `unknown job "${job}"`}; ${usage}`);
    return 2;
  }
  // Dawn prints a warning when the variable is unset; any folder will do.
  process.env.XDG_RUNTIME_DIR ||= tmpdir();

  const bun = await ensureInstalled(root);
  await ensureDriver(root, bun);
  if (job === "setup") {
    console.log("Trimtab is ready: `npm start` runs the demo, `npm test` the tests.");
    return 0;
  }
  if (job === "demo") {
    return runToEnd(bun, ["packages/cli/src/main.ts", "demo", ...args], { root });
  }
  const seconds = positive(process.env.TRIMTAB_TEST_SECONDS, 1800);
  const filters = args.some((arg) => !arg.startsWith("-")) ? [] : TEST_FOLDERS;
  return runToEnd(bun, ["test", "--timeout", "60000", ...filters, ...args], { cwd: root, root, seconds });
}

function positive(text, otherwise) {
  const number = Number(text);
  return number > 0 ? number : otherwise;
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error) => {
    const message = error?.isSetupError ? error.message : error;
    if (message !== "") console.error(message);
    process.exitCode = 1;
  },
);
