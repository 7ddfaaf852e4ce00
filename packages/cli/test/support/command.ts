/**
 * Runs the real command. `trimtab` and `must` run it in this process, where its modules are loaded and warm: a process of its own spends
 * most of a small command's time on that. Whatever asks for an environment, a preload or to be alone is a process as a person's is, and so is
 * what `start` starts, to be stopped or killed.
 */
import { join } from "node:path";
import { inThisProcess } from "./in-process.ts";

export const MAIN = join(import.meta.dirname, "..", "..", "src", "main.ts");

export interface Ran {
  readonly code: number;
  readonly out: string;
  /** Without what the driver itself prints. */
  readonly err: string;
}

export interface RunOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments of Bun before the script. */
  readonly bun?: readonly string[];
  /** In a process of its own, where it matters who asks. */
  readonly alone?: boolean;
}

export function start(args: readonly string[], { cwd, env = {}, bun = [] }: RunOptions) {
  return Bun.spawn([process.execPath, ...bun, MAIN, ...args], {
    cwd,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, NO_COLOR: "1", ...env },
  });
}

export async function trimtab(args: readonly string[], options: RunOptions): Promise<Ran> {
  if (!options.alone && !options.env && !options.bun) return inThisProcess(MAIN, args, options.cwd);
  const child = start(args, options);
  const [code, out, err] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code, out, err: withoutDriver(err) };
}

/** Runs a command that must succeed. */
export async function must(args: readonly string[], options: RunOptions): Promise<Ran> {
  const ran = await trimtab(args, options);
  if (ran.code !== 0)
    throw new Error(`trimtab ${args.join(" ")} ended with ${ran.code}:\n${ran.out}${ran.err}`);
  return ran;
}

function withoutDriver(text: string): string {
  return text
    .split("\n")
    .filter((line) => !/^Warning: |^ {4}at \w+ \(.*dawn/.test(line))
    .join("\n")
    .trim();
}
