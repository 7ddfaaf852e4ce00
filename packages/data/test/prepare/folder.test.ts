import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { cleanLeftovers } from "../../src/index.ts";
import { writeFolder } from "../../src/prepare/folder.ts";
import { failure, freshFolder } from "../folders.ts";

function leave(folder: string, name: string, owner?: { pid: number; host: string; started: number }): string {
  const path = join(folder, name);
  mkdirSync(path);
  writeFileSync(join(path, "half.parquet"), "half");
  if (owner) writeFileSync(join(path, "owner.json"), JSON.stringify(owner));
  return path;
}

// A process id that was in use a moment ago and is not now.
async function deadPid(): Promise<number> {
  const child = Bun.spawn(["true"]);
  await child.exited;
  return child.pid;
}

describe("leftovers of killed runs", () => {
  test("are removed; those of running processes and of other targets stay", async () => {
    const folder = freshFolder();
    const here = { host: hostname(), started: Date.now() };
    leave(folder, "a.trimtab.tmp-1", { pid: await deadPid(), ...here });
    leave(folder, "a.trimtab.tmp-2", { pid: process.ppid, ...here });
    leave(folder, "a.trimtab.tmp-3", { pid: 1, host: "elsewhere", started: Date.now() });
    leave(folder, "a.trimtab.tmp-4", { pid: 1, host: "elsewhere", started: Date.now() - 2 * 86_400_000 });
    leave(folder, "b.trimtab.tmp-1", { pid: await deadPid(), ...here });
    utimesSync(leave(folder, "a.trimtab.tmp-5"), 0, 0);
    expect((await cleanLeftovers(join(folder, "a.trimtab"))).sort()).toEqual([
      "a.trimtab.tmp-1",
      "a.trimtab.tmp-4",
      "a.trimtab.tmp-5",
    ]);
    expect(readdirSync(folder).sort()).toEqual(["a.trimtab.tmp-2", "a.trimtab.tmp-3", "b.trimtab.tmp-1"]);
  });

  test("a run killed between moving the old folder away and the new one in gives the old one back", async () => {
    const folder = freshFolder();
    leave(folder, "a.trimtab.old-1");
    expect(await cleanLeftovers(join(folder, "a.trimtab"))).toEqual(["a.trimtab"]);
    expect(readFileSync(join(folder, "a.trimtab", "half.parquet"), "utf8")).toBe("half");
    leave(folder, "a.trimtab.old-2");
    await cleanLeftovers(join(folder, "a.trimtab"));
    expect(readdirSync(folder)).toEqual(["a.trimtab"]);
  });

  test("a run killed with kill -9 leaves nothing that the next run does not clean", async () => {
    const folder = freshFolder();
    const target = join(folder, "a.trimtab");
    const script = `
      import { writeFolder } from ${JSON.stringify(new URL("../../src/prepare/folder.ts", import.meta.url).pathname)};
      await writeFolder(${JSON.stringify(target)}, { marker: "m" }, async () => {
        console.log("in");
        await new Promise((r) => setTimeout(r, 60000));
      });`;
    const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
    await child.stdout.getReader().read();
    child.kill(9);
    await child.exited;
    expect(readdirSync(folder)).toHaveLength(1);
    expect(existsSync(target)).toBe(false);
    await writeFolder(target, { marker: "m" }, async (inside) => writeFileSync(join(inside, "m"), "whole"));
    expect(readdirSync(folder)).toEqual(["a.trimtab"]);
    expect(readdirSync(target)).toEqual(["m"]);
  });

  test("a failing writer leaves the target as it was", async () => {
    const folder = freshFolder();
    const target = join(folder, "a.trimtab");
    await writeFolder(target, { marker: "m" }, async (inside) => writeFileSync(join(inside, "m"), "one"));
    const error = await failure(
      writeFolder(target, { marker: "m", overwrite: true }, async (inside) => {
        writeFileSync(join(inside, "m"), "two");
        throw new Error("disk full");
      }),
    );
    expect(error.message).toBe("disk full");
    expect(readFileSync(join(target, "m"), "utf8")).toBe("one");
    expect(readdirSync(folder)).toEqual(["a.trimtab"]);
  });
});
