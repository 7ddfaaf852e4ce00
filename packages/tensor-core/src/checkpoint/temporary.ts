/** Names under which files are written before they are whole, and what killed processes left under such names. */
import { createHash, randomBytes } from "node:crypto";
import { readdirSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";

/**
 * This machine and this process in temporary names: of processes of others nobody here can tell whether they live, and containers that
 * share a folder may have given out the same id. Made on first use: where there are no files (a browser) there is no machine to ask.
 */
let names: { readonly host: string; readonly own: string } | undefined;

function ownNames(): NonNullable<typeof names> {
  names ??= {
    host: createHash("sha256").update(hostname()).digest("hex").slice(0, 8),
    own: randomBytes(4).toString("hex"),
  };
  return names;
}

/** What `temporaryOf` puts behind a path; the machine and the process that wrote it. */
export const TEMPORARY = /^\.([0-9a-f]{8})-(\d+)-[0-9a-f]{8}\.tmp$/;

/** The name under which this process writes `path` before it is whole. */
export function temporaryOf(path: string): string {
  const { host, own } = ownNames();
  return `${path}.${host}-${process.pid}-${own}.tmp`;
}

/** What processes of this machine that were killed while they wrote `path` left beside it; else each kill would cost a file for good. */
export function removeLeftovers(path: string): void {
  const own = basename(path);
  for (const name of readdirSync(dirname(path))) {
    if (!name.startsWith(own)) continue;
    const [, host, pid] = TEMPORARY.exec(name.slice(own.length)) ?? [];
    if (host === ownNames().host && !isAlive(Number(pid))) rmSync(join(dirname(path), name), { force: true });
  }
}

/** True if this machine has a process of this id, whoever it belongs to. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
