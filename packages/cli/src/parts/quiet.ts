/**
 * Keeps drivers quiet: Dawn and Vulkan loaders write warnings straight to the process's standard error while a device opens,
 * in words of C++ and sometimes with a native stack, beside our one sentence. No option of the binding stops them.
 */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const STDERR = 2;
/** A warning of Dawn, and the native stack that may follow it. */
const NOISE = /^(Warning|Info): |^\s+at .*\(.*\.(cpp|cc|h):\d+\)$|^\s*$/;

/** Runs `work` with the warnings of native code left out; whatever else was written meanwhile comes when it is over. */
export async function withQuietDriver<T>(work: () => Promise<T>): Promise<T> {
  const c = await libc();
  if (!c) return work();
  const folder = mkdtempSync(join(tmpdir(), "trimtab-driver-"));
  const file = join(folder, "stderr");
  const fd = openSync(file, "a");
  const kept = c.dup(STDERR);
  c.dup2(fd, STDERR);
  closeSync(fd);
  try {
    return await work();
  } finally {
    c.dup2(kept, STDERR);
    closeSync(kept);
    const said = meant(readFileSync(file, "utf8"));
    rmSync(folder, { recursive: true, force: true });
    if (said !== "") writeSync(STDERR, said);
  }
}

/** What is left of a text when the warnings of drivers are taken out. */
export function meant(text: string): string {
  const lines = text.split("\n").filter((line) => !NOISE.test(line));
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

interface Libc {
  dup(fd: number): number;
  dup2(from: number, to: number): number;
}

async function libc(): Promise<Libc | undefined> {
  const name = { linux: "libc.so.6", darwin: "libSystem.B.dylib" }[process.platform as string];
  if (name === undefined || !process.versions.bun) return undefined;
  try {
    const { dlopen } = await import("bun:ffi");
    return dlopen(name, {
      dup: { args: ["i32"], returns: "i32" },
      dup2: { args: ["i32", "i32"], returns: "i32" },
    }).symbols;
  } catch {
    return undefined; // another libc: the warnings stay, nothing else is lost
  }
}
