// Modules that bring a searcher, written into a folder where no package of ours is installed.
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const core = JSON.stringify(import.meta.resolve("@trimtab/search-core"));
const zod = JSON.stringify(import.meta.resolve("zod"));

/** A module that exports one searcher, which finds what smaller-dim finds. */
export function writeSearcher(folder: string, file: string, name: string): string {
  const path = join(folder, file);
  writeFileSync(
    path,
    `import { defineSearcher, smallerDim } from ${core};
import { z } from ${zod};
export const helper = () => 1;
export const mine = defineSearcher({
  name: ${JSON.stringify(name)},
  config: z.strictObject({ note: z.string().default("none") }),
  check: (task, limit) => smallerDim().cannot(task, limit.text),
  run: async (task, limits, { note }) => {
    const { found } = await smallerDim().search(task, { budgets: limits.map((l) => l.text) });
    return { found, notes: { note } };
  },
});
export default mine;
`,
  );
  return path;
}
