// Getting from a bare checkout to a running job: which Bun installs, how the software driver is installed, and signals.
import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { planDriver, readAnswer } from "../scripts/driver.mjs";
import { chooseInstaller, pinnedBun } from "../scripts/install.mjs";
import { capture } from "../scripts/process.mjs";

const root = join(import.meta.dirname, "..");
const bun = process.execPath;

describe("which Bun installs", () => {
  const exact = { command: "/a/bun", version: "1.4.5" };
  const other = { command: "/b/bun", version: "1.2.0" };

  test("the pinned one, then npx, then another that fetches it with a warning, then none", () => {
    expect(chooseInstaller("1.4.5", [other, exact], true)).toEqual(["/a/bun", { args: [] }]);
    const [npx, by] = chooseInstaller("1.4.5", [other], true);
    expect(npx).toStartWith("npx");
    expect(by.args).toEqual(["--yes", "bun@1.4.5"]);
    const [command, { args, warning }] = chooseInstaller("1.4.5", [other], false);
    expect(command).toBe("/b/bun");
    expect(args).toEqual(["x", "bun@1.4.5"]);
    expect(warning).toContain("Bun 1.2.0 is installed, Trimtab is pinned to 1.4.5");
    expect(chooseInstaller("1.4.5", [], false)[0]).toBeNull();
  });

  test("the pin must be exact, and is the one that runs these tests", () => {
    expect(pinnedBun(readFileSync(join(root, "package.json"), "utf8"))).toBe(Bun.version);
    expect(() => pinnedBun('{"devDependencies":{"bun":"^1.4.5"}}')).toThrow("expected an exact version");
    expect(() => pinnedBun("{}")).toThrow("devDependencies.bun");
  });
});

describe("what `driver` does without an adapter", () => {
  const debian12 = 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n';
  const machine = {
    platform: "linux",
    osRelease: debian12,
    apt: true,
    root: true,
    sudo: false,
    overridden: "",
  };
  const packages = ["mesa-vulkan-drivers", "libvulkan1"];
  const oneSentence = (text) => text.split(/\.(?:\s|$)/).filter(Boolean).length === 1;

  test("Debian 12 takes the packages from its backports, newer ones their own", () => {
    expect(planDriver(machine)).toMatchObject({ packages, backports: "bookworm-backports" });
    for (const osRelease of [
      "ID=debian\nVERSION_ID=13\n",
      "ID=debian\n",
      'ID=ubuntu\nVERSION_ID="24.04"\nID_LIKE=debian\n',
    ]) {
      const plan = planDriver({ ...machine, osRelease });
      expect(plan.packages).toEqual(packages);
      expect(plan.backports).toBeUndefined();
    }
  });

  test("a relative of Debian counts, by ID_LIKE, and never takes Debian's backports", () => {
    const osRelease = "ID=linuxmint\nID_LIKE='ubuntu debian'\nVERSION_ID=12\n";
    expect(planDriver({ ...machine, osRelease })).toMatchObject({ packages });
    expect(planDriver({ ...machine, osRelease }).backports).toBeUndefined();
  });

  test("with sudo but not as root it installs too; elsewhere it says what is needed", () => {
    expect(planDriver({ ...machine, root: false, sudo: true }).packages).toEqual(packages);
    for (const change of [
      { root: false },
      { osRelease: "ID=fedora\n" },
      { platform: "darwin" },
      { apt: false },
    ]) {
      const plan = planDriver({ ...machine, ...change });
      expect(plan.packages).toBeNull();
      expect(plan.sentence).toContain("mesa-vulkan-drivers");
      expect(oneSentence(plan.sentence)).toBe(true);
    }
    expect(oneSentence(planDriver(machine).sentence)).toBe(true);
  });

  test("the answer of the check: an adapter, none, half a line, a crash", () => {
    expect(readAnswer(0, 'noise\n{"adapter":"llvmpipe"}\n', "")).toMatchObject({ adapter: "llvmpipe" });
    expect(readAnswer(1, '{"adapter":null,"why":"no adapter"}\n', "")).toMatchObject({ why: "no adapter" });
    expect(readAnswer(139, '{"adapter":"llvmpipe"}\n', "").adapter).toBeNull();
    expect(readAnswer(139, '{"adap', "").why).toContain("139");
    expect(readAnswer(null, "", "").adapter).toBeNull();
  });

  test("drivers that point nowhere: the real check says so, in one sentence, with exit code 1", async () => {
    const env = { ...process.env, VK_DRIVER_FILES: "/nowhere.json", CUDA_VISIBLE_DEVICES: "" };
    const { code, stderr } = await capture(bun, ["scripts/run.mjs", "driver"], { cwd: root, env });
    expect(code).toBe(1);
    expect(stderr.trim().split("\n")).toEqual([
      expect.stringContaining('names "/nowhere.json" as the only driver'),
    ]);
  });
});

test("setup asks for no driver and prints nothing of one", async () => {
  const env = { ...process.env, VK_DRIVER_FILES: "/nowhere.json", CUDA_VISIBLE_DEVICES: "" };
  const { code, stdout, stderr } = await capture(bun, ["scripts/run.mjs", "setup"], { cwd: root, env });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).not.toMatch(/driver|adapter/i);
});

describe("install-driver, with an apt of our own", () => {
  const sources = "Types: deb\nURIs: http://mirror.invalid/debian\nSuites: bookworm\nComponents: main\n";
  const run = async (updateCode, times = 1) => {
    const folder = mkdtempSync(join(tmpdir(), "trimtab-apt-"));
    try {
      const parts = join(folder, "sources.list.d");
      mkdirSync(parts);
      const file = join(parts, "debian.sources");
      writeFileSync(file, sources);
      const log = join(folder, "calls");
      writeFileSync(
        join(folder, "apt-get"),
        `#!/bin/sh\necho "$@" >> ${log}\n[ "$1" = update ] && exit ${updateCode}\nexit 0\n`,
      );
      chmodSync(join(folder, "apt-get"), 0o755);
      const env = { ...process.env, PATH: `${folder}:${process.env.PATH}`, TRIMTAB_APT_FOLDER: folder };
      const script = join(root, "scripts", "install-driver.mjs");
      let result;
      for (let i = 0; i < times; i++) {
        result = await capture(bun, [script, "bookworm-backports", "mesa-vulkan-drivers", "libvulkan1"], {
          env,
        });
      }
      const backup = `${file}.trimtab.bak`;
      return {
        ...result,
        text: readFileSync(file, "utf8"),
        backup: existsSync(backup) ? readFileSync(backup, "utf8") : null,
        calls: readFileSync(log, "utf8").trim().split("\n"),
      };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
  const added = sources.replace("bookworm\n", "bookworm bookworm-backports\n");
  const install = "install -y --no-install-recommends -t bookworm-backports mesa-vulkan-drivers libvulkan1";

  test("adds the suite, keeps the old file, updates, installs from the suite", async () => {
    expect(await run(0)).toMatchObject({ code: 0, text: added, backup: sources, calls: ["update", install] });
  });

  test("twice is the same as once", async () => {
    expect(await run(0, 2)).toMatchObject({ code: 0, text: added, backup: sources });
  });

  test("an update that fails puts the sources back and installs nothing", async () => {
    const result = await run(100);
    expect(result).toMatchObject({ code: 1, text: sources, calls: ["update"] });
    expect(result.stderr).toContain("`apt-get update` failed");
  });
});

describe("child processes", () => {
  // A parent that runs `runToEnd` on a child which notes the signals it gets and leaves with 7.
  const parent = (body, options = "{}") => `
    import { runToEnd } from ${JSON.stringify(join(root, "scripts", "process.mjs"))};
    process.exitCode = await runToEnd(${JSON.stringify(bun)}, ["-e", ${JSON.stringify(body)}], ${options});`;
  const noteSignals = `
    let got = [];
    for (const s of ["SIGINT", "SIGTERM"]) process.on(s, () => { got.push(s); setTimeout(() => { console.log(got.join()); process.exit(7); }, 300); });
    setTimeout(() => process.exit(9), 8000);
    console.log("ready");`;

  test.each(["SIGINT", "SIGTERM"])(
    "%s reaches the child once, and the parent waits for its exit code",
    async (signal) => {
      const child = Bun.spawn([bun, "-e", parent(noteSignals)], {
        stdin: "ignore",
        stdout: "pipe",
        stderr: "inherit",
      });
      const reader = child.stdout.getReader();
      let out = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        out += new TextDecoder().decode(value);
        if (out === "ready\n") {
          child.kill(signal);
          child.kill(signal === "SIGINT" ? signal : 0); // as npm does: it hands on what the child has already had
        }
      }
      expect(out).toBe(`ready\n${signal}\n`);
      expect(await child.exited).toBe(7);
    },
  );

  test("exit codes come through, a signal's as 128 + n, a timeout's as 124", async () => {
    const code = async (body, options) => (await capture(bun, ["-e", parent(body, options)])).code;
    expect(await code("process.exit(3)")).toBe(3);
    expect(await code('process.kill(process.pid, "SIGKILL")')).toBe(137);
    expect(await code("setTimeout(() => {}, 9000)", "{ seconds: 0.2 }")).toBe(124);
  });
});
