// Settings of files are found by reading: the README names every key that there is.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { modelConfigSchema } from "@trimtab/models";
import { trainConfigSchema } from "@trimtab/search-core";

const readme = readFileSync(join(import.meta.dir, "..", "README.md"), "utf8");
const keys = new Set([
  ...Object.keys(trainConfigSchema.shape),
  ...modelConfigSchema.options.flatMap(({ shape }) => Object.keys(shape)),
]);

test.each([...keys])("%s", (key) => expect(readme).toContain(`\`${key}\``));
