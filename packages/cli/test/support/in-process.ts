/** A command line run in this process, from another folder and with its output caught: one at a time, as both belong to the process. */
import type { Ran } from "./command.ts";

let last: Promise<unknown> = Promise.resolve();

export function inThisProcess(script: string, args: readonly string[], cwd: string): Promise<Ran> {
  const ran = last.then(() => run(script, args, cwd));
  last = ran.catch(() => {});
  return ran;
}

async function run(script: string, args: readonly string[], cwd: string): Promise<Ran> {
  // read when the modules load: what is compared must not have colours
  process.env.NO_COLOR = "1";
  const { main } = await import("../../src/program.ts");
  using undo = new DisposableStack();
  const from = process.cwd();
  const { argv } = process;
  undo.defer(() => {
    process.argv = argv;
    process.chdir(from);
  });
  process.chdir(cwd);
  process.argv = [process.execPath, script, ...args];
  const out = undo.use(caught(process.stdout));
  const err = undo.use(caught(process.stderr));
  const code = await main(args);
  return { code, out: out.text(), err: err.text().trim() };
}

/** What is written to a stream that is no terminal. */
function caught(stream: NodeJS.WriteStream): Disposable & { text(): string } {
  const parts: string[] = [];
  const { write, isTTY } = stream;
  stream.isTTY = false;
  stream.write = ((part: string | Uint8Array) => {
    parts.push(typeof part === "string" ? part : new TextDecoder().decode(part));
    return true;
  }) as typeof stream.write;
  return {
    text: () => parts.join(""),
    [Symbol.dispose]() {
      stream.write = write;
      stream.isTTY = isTTY;
    },
  };
}
