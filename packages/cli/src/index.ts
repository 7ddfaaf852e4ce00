/** @trimtab/cli: the `trimtab` command, and the same from a program. */
export { main } from "./program.ts";
