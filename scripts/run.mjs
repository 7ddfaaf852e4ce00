#!/usr/bin/env node
// Runs Trimtab from a bare checkout: `npm start`, `npm test`, or the same with Bun. Plain JavaScript without
// dependencies, because it runs before anything is installed, under Node 18 and later or under Bun.
//
//   node scripts/run.mjs demo [...arguments of `trimtab demo`]
//   node scripts/run.mjs test [...arguments of `bun test`]
//   node scripts/run.mjs setup
//   node scripts/run.mjs driver
//
// Each job first installs the packages where they are missing, so a second start goes straight on. `driver` alone touches the
// system: it installs the software Vulkan driver where there is no graphics driver, to test the webgpu engine without a GPU.
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureDriver } from "./driver.mjs";
import { ensureInstalled } from "./install.mjs";
import { runToEnd } from "./process.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const TEST_FOLDERS = ["./packages", "./benchmarks", "./test"];
const JOBS = ["demo", "test", "setup", "driver"];
const usage = `usage: node scripts/run.mjs <${JOBS.join("|")}> [arguments]`;

async function main([job, ...rest]) {
  // `bun start -- --data DIR` hands the dashes on, npm takes them away: both must mean the same.
  const args = rest[0] === "--" ? rest.slice(1) : rest;
  if (!JOBS.includes(job)) {
    console.error(`${job === undefined ? "no job was named" : `unknown job "${job}"`}; ${usage}`);
    return 2;
  }
  // Dawn prints a warning when the variable is unset; any folder will do.
  process.env.XDG_RUNTIME_DIR ||= tmpdir();

  const bun = await ensureInstalled(root);
  if (job === "setup") {
    console.log("Trimtab is ready: `npm start` runs the demo, `npm test` the tests.");
    return 0;
  }
  if (job === "driver") {
    await ensureDriver(root, bun);
    return 0;
  }
  if (job === "demo") {
    return runToEnd(bun, ["packages/cli/src/main.ts", "demo", ...args], { root });
  }
  const seconds = positive(process.env.TRIMTAB_TEST_SECONDS, 1800);
  const filters = args.some((arg) => !arg.startsWith("-")) ? [] : TEST_FOLDERS;
  // two files at once, each with globals of its own: most tests are the work of one thread. So is then a software GPU (llvmpipe's own
  // variable): with a thread a core in each of two processes they wait for each other, which costs a tenth of such tests' time
  process.env.LP_NUM_THREADS ||= "1";
  return runToEnd(bun, ["test", "--parallel=2", "--timeout", "60000", ...filters, ...args], {
    cwd: root,
    root,
    seconds,
  });
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
