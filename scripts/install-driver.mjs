// Installs Mesa's software Vulkan driver with apt-get. The one part that needs root, so the one part run with sudo.
//
//   node scripts/install-driver.mjs <suite to install from, or -> <package> ...
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { addSuite } from "./apt-sources.mjs";
import { runToEnd } from "./process.mjs";

const folder = process.env.TRIMTAB_APT_FOLDER ?? "/etc/apt"; // another one in tests
const [suite, ...packages] = process.argv.slice(2);

async function main() {
  const undo = suite === "-" ? () => {} : addSource(suite);
  if (undo === null) return 1;
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  if ((await runToEnd("apt-get", ["update"], { env })) !== 0) {
    undo();
    console.error(
      "`apt-get update` failed: look at its messages above, and whether this machine can reach its mirror.",
    );
    return 1;
  }
  const from = suite === "-" ? [] : ["-t", suite];
  return runToEnd("apt-get", ["install", "-y", "--no-install-recommends", ...from, ...packages], { env });
}

/** Adds the suite; returns how to take it back, or null where no file has the archive's entry. */
function addSource(name) {
  const release = name.replace(/-backports$/, "");
  const { change, present } = addSuite(sourceFiles(), release, name);
  if (present) return () => {};
  if (change === null) {
    console.error(
      `no entry of the Debian archive for "${release}" was found under ${folder}: add the suite ${name} to your apt ` +
        `sources, run \`apt-get install -t ${name} ${packages.join(" ")}\`, then run this again.`,
    );
    return null;
  }
  const before = readFileSync(change.path);
  const backup = `${change.path}.trimtab.bak`; // apt skips names that end in .bak without a word
  if (!existsSync(backup)) copyFileSync(change.path, backup);
  replace(change.path, change.text);
  console.log(`added ${name} to ${change.path} (as it was: ${backup})`);
  return () => replace(change.path, before);
}

function sourceFiles() {
  const parts = join(folder, "sources.list.d");
  const names = existsSync(parts) ? readdirSync(parts).sort() : [];
  const paths = [join(folder, "sources.list"), ...names.map((file) => join(parts, file))];
  return paths
    .filter((path) => /\.(list|sources)$/.test(path) && existsSync(path))
    .map((path) => ({ path, text: readFileSync(path, "utf8") }));
}

/** A whole file or the old one, never half: apt would refuse to work at all. */
function replace(path, content) {
  const temporary = `${path}.trimtab.tmp`;
  writeFileSync(temporary, content, { mode: statSync(path).mode });
  renameSync(temporary, path);
}

process.exitCode = await main();
