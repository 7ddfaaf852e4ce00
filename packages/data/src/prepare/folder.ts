// Folders that appear whole or not at all: written under a temporary name beside the target, renamed at the end.

import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { MissingFileError, OutputExistsError } from "../errors.ts";

const OWNER = "owner.json";
const DAY = 24 * 3600 * 1000;

interface Owner {
  pid: number;
  host: string;
  started: number;
}

const temporary = (target: string): string => `${basename(target)}.tmp-`;
const replaced = (target: string): string => `${basename(target)}.old-`;

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function abandoned(folder: string): Promise<boolean> {
  const owner = await readFile(join(folder, OWNER), "utf8")
    .then((raw) => JSON.parse(raw) as Owner)
    .catch(() => null);
  const age = Date.now() - (owner?.started ?? (await stat(folder)).mtimeMs);
  // A process of this machine can be asked; one of another machine (a shared disk) is given a day.
  if (owner && owner.host === hostname()) return owner.pid !== process.pid && !alive(owner.pid);
  return age > DAY;
}

/**
 * Removes what killed runs left beside `target`, and puts an old folder back if a run died between moving it away and
 * moving the new one in. Folders of running processes are left alone.
 * @returns the names removed or restored
 */
export async function cleanLeftovers(target: string): Promise<string[]> {
  const path = resolve(target);
  const parent = dirname(path);
  const names = await readdir(parent).catch(() => [] as string[]);
  const done: string[] = [];
  for (const name of names) {
    const folder = join(parent, name);
    if (name.startsWith(replaced(path))) {
      if (names.includes(basename(path)) || done.includes(basename(path)))
        await rm(folder, { recursive: true, force: true });
      else {
        await rename(folder, path);
        done.push(basename(path));
        continue;
      }
    } else if (name.startsWith(temporary(path)) && (await abandoned(folder))) {
      await rm(folder, { recursive: true, force: true });
    } else continue;
    done.push(name);
  }
  return done;
}

/** True when `folder` is one that this package wrote (it may be replaced), by its marker file. */
async function isOurs(folder: string, marker: string): Promise<boolean> {
  return (await stat(join(folder, marker)).catch(() => null)) !== null;
}

/** @throws OutputExistsError when the target is in the way */
export async function checkTarget(target: string, overwrite: boolean, marker: string): Promise<void> {
  const path = resolve(target);
  const found = await stat(path).catch(() => null);
  if (!found) {
    const parent = await stat(dirname(path)).catch(() => null);
    if (parent && !parent.isDirectory()) {
      throw new MissingFileError("the parent of the output is not a folder", "Choose another output", {
        file: dirname(path),
      });
    }
    return;
  }
  if (!overwrite) {
    throw new OutputExistsError(
      "the output is already there",
      "Choose another name, or allow overwriting it",
      {
        file: target,
      },
    );
  }
  if (!found.isDirectory() || !(await isOurs(path, marker))) {
    throw new OutputExistsError(
      `the output is there and has no ${marker}: it is not ours to replace`,
      "Choose another name, or remove it yourself",
      { file: target },
    );
  }
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Fills a temporary folder by `write` and moves it to `target`. Whatever goes wrong, `target` is as it was.
 * @param marker a file that such folders have; only a folder with it is ever replaced
 */
export async function writeFolder<T>(
  target: string,
  options: { overwrite?: boolean | undefined; marker: string },
  write: (folder: string) => Promise<T>,
): Promise<T> {
  const path = resolve(target);
  await checkTarget(path, options.overwrite ?? false, options.marker);
  await mkdir(dirname(path), { recursive: true });
  await cleanLeftovers(path);
  const tag = `${process.pid}-${Date.now().toString(36)}${Math.random().toString(36).slice(2, 6)}`;
  const folder = join(dirname(path), `${temporary(path)}${tag}`);
  await mkdir(folder);
  try {
    const owner: Owner = { pid: process.pid, host: hostname(), started: Date.now() };
    await writeFile(join(folder, OWNER), JSON.stringify(owner));
    const result = await write(folder);
    await rm(join(folder, OWNER));
    for (const entry of await readdir(folder, { recursive: true })) await sync(join(folder, entry));
    const old = join(dirname(path), `${replaced(path)}${tag}`);
    const moved = (await stat(path).catch(() => null)) !== null;
    if (moved) await rename(path, old);
    await rename(folder, path);
    await sync(dirname(path));
    if (moved) await rm(old, { recursive: true, force: true });
    return result;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}
