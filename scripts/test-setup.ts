// Preloaded by `bun test`: one place to make runs repeatable and quiet.
// Dawn prints a warning when XDG_RUNTIME_DIR is unset; any folder will do.
import { tmpdir } from "node:os";

process.env.XDG_RUNTIME_DIR ||= tmpdir();
