// Preloaded by `bun test`: one place to make runs repeatable and quiet.
// Dawn prints a warning when XDG_RUNTIME_DIR is unset; any folder will do.
import { setDefaultTimeout } from "bun:test";
import { tmpdir } from "node:os";

process.env.XDG_RUNTIME_DIR ||= tmpdir();

// as `npm test` has it: on a machine that others use too, five seconds say nothing
setDefaultTimeout(60_000);
