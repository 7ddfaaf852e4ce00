#!/usr/bin/env bun
/** The `trimtab` command as a process. */
import { main } from "./program.ts";

/** A reader that went away (`| head`) is no bug of ours. */
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));

const code = await main(process.argv.slice(2));
// the verb no longer listens: a press that a parent hands on late must not cut the last words off
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => {});
// threads of drivers and workers must not keep a finished command alive, but what was said must reach its reader
await Promise.all([process.stdout, process.stderr].map((s) => new Promise((done) => s.write("", done))));
process.exit(code);
