import { afterAll, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FolderWriter } from "../../src/files/folder.ts";

const folder = mkdtempSync(join(tmpdir(), "trimtab-folder-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("what a killed process left beside the folder goes, what a living one writes stays", async () => {
  const child = Bun.spawn([process.execPath, "--version"], { stdout: "ignore" });
  await child.exited;
  const out = join(folder, "model");
  const dead = `${out}.${child.pid}.tmp`;
  const alive = `${out}.${process.ppid}.tmp`;
  for (const path of [dead, alive, `${out}-2.${child.pid}.tmp`]) mkdirSync(path);
  const writer = new FolderWriter(out);
  writer.text("a.txt", "a");
  expect(existsSync(dead)).toBe(false);
  expect(existsSync(alive)).toBe(true);
  expect(existsSync(`${out}-2.${child.pid}.tmp`)).toBe(true);
  writer.abandon();
  expect(readdirSync(folder).sort()).toEqual(
    [`model-2.${child.pid}.tmp`, `model.${process.ppid}.tmp`].sort(),
  );
});

test("killed between two renames, the folder that was being replaced comes back", async () => {
  const child = Bun.spawn([process.execPath, "--version"], { stdout: "ignore" });
  await child.exited;
  const out = join(folder, "replaced");
  const old = `${out}.${child.pid}.old.tmp`;
  mkdirSync(old);
  for (const name of ["manifest.json", "SHA256SUMS"]) writeFileSync(join(old, name), "former");
  expect(() => new FolderWriter(out)).toThrow("an exported model is there");
  expect(readFileSync(join(out, "manifest.json"), "utf8")).toBe("former");
  // it is there, so what a later kill leaves of it is of no use
  mkdirSync(old);
  new FolderWriter(out, { force: true }).abandon();
  expect(existsSync(old)).toBe(false);
  rmSync(out, { recursive: true });
});

test("a file is written once, and its sum told", () => {
  const out = join(folder, "once");
  const writer = new FolderWriter(out);
  const { bytes, sha256 } = writer.text("a/b.txt", "abc");
  expect(bytes).toBe(3);
  expect(sha256).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  expect(() => writer.text("a/b.txt", "other")).toThrow("EEXIST");
  writer.abandon();
  expect(existsSync(out)).toBe(false);
});

test("a second rejected folder does not replace the first", () => {
  const out = join(folder, "bad");
  const names = [0, 1].map(() => {
    const writer = new FolderWriter(out);
    writer.text("a.txt", "a");
    return writer.reject();
  });
  expect(names).toEqual([`${out}.failed`, `${out}.failed-2`]);
});
