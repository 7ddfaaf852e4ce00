// The graphics driver of the webgpu engine: is there an adapter, and where there is none, can the software driver be installed?
// Nothing but tests of that engine needs it: without a GPU Trimtab computes on the cpu engine.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { capture, runToEnd, SetupError } from "./process.mjs";

const NEEDS =
  "the webgpu engine needs a graphics driver (Vulkan on Linux, Metal on macOS, Direct3D 12 on Windows) and found none";
const BY_HAND =
  "install your GPU's driver or, on Linux without a GPU, Mesa's software driver (on Debian and Ubuntu the packages " +
  "mesa-vulkan-drivers and libvulkan1; Mesa 25 is known to work, Debian 12 has it in bookworm-backports)";

/**
 * Returns once there is a WebGPU adapter; installs the software driver where it can.
 *
 * @param {string} root the checkout
 * @param {string} bun path of the pinned Bun
 */
export async function ensureDriver(root, bun) {
  const first = await askAdapter(root, bun);
  if (first.adapter !== null) {
    console.log(`adapter: ${first.adapter}`);
    return;
  }
  const osRelease = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  const plan = planDriver({
    platform: process.platform,
    osRelease,
    apt: (await capture("apt-get", ["--version"])).code === 0,
    root: process.getuid?.() === 0,
    sudo: (await capture("sudo", ["--version"])).code === 0,
    // Naming the driver files by hand overrides every installed driver, so installing one could not help.
    overridden: process.env.VK_DRIVER_FILES || process.env.VK_ICD_FILENAMES || "",
  });
  console.error(`${plan.sentence}${whyNot(first)}`);
  if (plan.packages === null) throw new SetupError();
  const script = join(root, "scripts", "install-driver.mjs");
  const run = [script, plan.backports ?? "-", ...plan.packages];
  const asRoot = process.getuid?.() === 0;
  // Without a person at the terminal a password prompt would wait for ever.
  const sudo = process.stdin.isTTY ? [] : ["-n"];
  const code = asRoot
    ? await runToEnd(process.execPath, run, { cwd: root })
    : await runToEnd("sudo", [...sudo, process.execPath, ...run], { cwd: root });
  if (code !== 0) throw new SetupError("installing the software driver failed; the messages are above.");
  const second = await askAdapter(root, bun);
  if (second.adapter === null) {
    const sentence =
      "the software driver is installed, but there is still no adapter: its Mesa may be too old for Dawn.";
    throw new SetupError(`${sentence}${whyNot(second)}`);
  }
  console.log(`adapter: ${second.adapter}`);
}

async function askAdapter(root, bun) {
  const { code, stdout, stderr } = await capture(bun, [join(root, "scripts", "check-adapter.mjs")], {
    cwd: root,
  });
  return readAnswer(code, stdout, stderr);
}

/** Reads what check-adapter.mjs printed; a process that died has no adapter. */
export function readAnswer(code, stdout, stderr) {
  for (const line of stdout.split("\n").reverse()) {
    if (!line.startsWith("{")) continue;
    try {
      const { adapter = null, why = "" } = JSON.parse(line);
      if (code === 0 && typeof adapter === "string") return { adapter, why };
      return { adapter: null, why: why || `the check ended with exit code ${code}`, stderr };
    } catch {
      // half a line of a process that died: the next one up, or the exit code, tells
    }
  }
  return { adapter: null, why: `the check ended with exit code ${code}`, stderr };
}

/** More than "there is none", where the check has more to say: a library that is missing, a crash. */
function whyNot({ why, stderr }) {
  if (why === "no adapter") return "";
  const said = (stderr ?? "").trim();
  return ` The check said: ${why}${said === "" ? "" : `\n${said}`}`;
}

/**
 * What to do where there is no adapter: one sentence to print, and the Debian packages to install (null: none can be).
 *
 * @param {{ platform: string, osRelease: string, apt: boolean, root: boolean, sudo: boolean, overridden: string }} machine
 */
export function planDriver({ platform, osRelease, apt, root, sudo, overridden }) {
  const os = parseOsRelease(osRelease);
  const family = [os.id, ...os.idLike];
  if (overridden !== "") {
    const sentence = `Trimtab found no WebGPU adapter: VK_DRIVER_FILES or VK_ICD_FILENAMES names "${overridden}" as the only driver, unset it or name one that works.`;
    return { sentence, packages: null };
  }
  const debian = platform === "linux" && apt && (family.includes("debian") || family.includes("ubuntu"));
  if (!debian || !(root || sudo)) return { sentence: `${NEEDS}: ${BY_HAND}.`, packages: null };
  const packages = ["mesa-vulkan-drivers", "libvulkan1"];
  // Debian 12's own Mesa (22.3) is too old for Dawn; the one in its backports is not.
  const backports = os.id === "debian" && os.versionId === "12" ? "bookworm-backports" : undefined;
  const from = backports === undefined ? "" : ` from ${backports}`;
  return { sentence: `${NEEDS}; installing Mesa's software driver${from} now.`, packages, backports };
}

/** The keys of /etc/os-release that matter here. */
export function parseOsRelease(text) {
  const values = new Map();
  for (const line of text.split("\n")) {
    const match = /^\s*([A-Z_]+)=(.*?)\s*$/.exec(line);
    if (match) values.set(match[1], match[2].replace(/^(["'])(.*)\1$/, "$2"));
  }
  return {
    id: values.get("ID") ?? "",
    idLike: (values.get("ID_LIKE") ?? "").split(/\s+/).filter(Boolean),
    versionId: values.get("VERSION_ID") ?? "",
    codename: values.get("VERSION_CODENAME") ?? "",
  };
}
