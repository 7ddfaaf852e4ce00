// Packages: the pinned Bun, and with it everything in bun.lock.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { capture, runToEnd, SetupError } from "./process.mjs";

const windows = process.platform === "win32";

/**
 * Makes node_modules match bun.lock, and returns the path of the pinned Bun.
 *
 * @param {string} root the checkout
 */
export async function ensureInstalled(root) {
  const version = pinnedBun(readFileSync(join(root, "package.json"), "utf8"));
  const local = join(root, "node_modules", ".bin", windows ? "bun.exe" : "bun");
  const stamp = join(root, "node_modules", ".trimtab-installed");
  const wanted = lockHash(root);
  // A stamp and not file times: a clone or an unpacked archive gives every file whatever time it likes.
  if (existsSync(local) && existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return local;

  const installed = await bunVersions(local);
  const [command, before] = chooseInstaller(version, installed, await has(windows ? "npx.cmd" : "npx"));
  if (command === null) {
    throw new SetupError(
      `Trimtab needs Bun ${version}: install Node.js with npm (npx then fetches it), or Bun itself, and run this again.`,
    );
  }
  if (before.warning) console.error(before.warning);
  console.log(`installing packages with Bun ${version} ...`);
  const code = await runToEnd(command, [...before.args, "install", "--frozen-lockfile"], {
    cwd: root,
    shell: windows && command.endsWith(".cmd"),
  });
  if (code !== 0)
    throw new SetupError(`\`bun install\` failed with exit code ${code}; its messages are above.`);
  const got = await versionOf(local);
  if (got !== version) {
    throw new SetupError(
      `after installing, node_modules/.bin/bun is ${got === null ? "missing" : `version ${got}`}, expected ${version}: ` +
        "delete node_modules and run this again.",
    );
  }
  writeFileSync(stamp, wanted);
  return local;
}

/** The exact Bun version that package.json pins. */
export function pinnedBun(packageJson) {
  const version = JSON.parse(packageJson).devDependencies?.bun;
  if (!/^\d+\.\d+\.\d+$/.test(version ?? "")) {
    throw new SetupError(
      `devDependencies.bun in package.json is ${version}, expected an exact version such as 1.2.3.`,
    );
  }
  return version;
}

/**
 * What installs packages: a Bun of the pinned version, else npx, else a Bun of another version, each of the last two
 * only to fetch and start the pinned one. Another version must not install by itself: an older one cannot read
 * bun.lock, a newer one may write it anew.
 *
 * @param {string} version the pinned one
 * @param {{ command: string, version: string }[]} installed
 * @param {boolean} npx whether npx is there
 */
export function chooseInstaller(version, installed, npx) {
  const exact = installed.find((bun) => bun.version === version);
  if (exact) return [exact.command, { args: [] }];
  if (npx) return [windows ? "npx.cmd" : "npx", { args: ["--yes", `bun@${version}`] }];
  const other = installed[0];
  if (!other) return [null, { args: [] }];
  const warning = `Bun ${other.version} is installed, Trimtab is pinned to ${version}: fetching that one.`;
  return [other.command, { args: ["x", `bun@${version}`], warning }];
}

/** The Buns at hand: in node_modules, the one running this script, and the one on the path. */
async function bunVersions(local) {
  const commands = [local, ...(process.versions.bun ? [process.execPath] : []), "bun"];
  const found = [];
  for (const command of commands) {
    const version = await versionOf(command);
    if (version !== null) found.push({ command, version });
  }
  return found;
}

async function versionOf(command) {
  const { code, stdout } = await capture(command, ["--version"]);
  return code === 0 ? stdout.trim() : null;
}

async function has(command) {
  return (await capture(command, ["--version"], { shell: windows })).code === 0;
}

function lockHash(root) {
  return createHash("sha256")
    .update(readFileSync(join(root, "bun.lock")))
    .digest("hex");
}
