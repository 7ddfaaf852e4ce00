/** `trimtab new-searcher`: a package for a searcher of one's own, which passes its tests as it is. */
import { basename, resolve } from "node:path";
import type { Command } from "commander";
import { shown } from "../parts/data-source.ts";
import { UsageError } from "../parts/errors.ts";
import { loadMethods } from "../parts/methods.ts";
import { copyTemplate } from "../parts/template.ts";
import { act, verb } from "../parts/verb.ts";

interface Options {
  readonly name?: string;
}

export function command(): Command {
  const made = verb(
    "new-searcher",
    "Make a package for a searcher of your own: a small one that works, its tests, and how to run it.",
    "trimtab new-searcher my-method",
    "trimtab new-searcher searchers/first-try --name my-method",
  )
    .argument("<dir>", "a new or empty folder")
    .option("--name <name>", "of the searcher and its package (default: the folder's name)");
  return act<Options>(made, async (context, { name: typed }, dir) => {
    const name = typed ?? basename(resolve(dir!));
    const taken = (await loadMethods()).refusal(name);
    if (taken)
      throw new UsageError(`${typed ? "--name " : ""}${name}: ${taken}${typed ? "" : " with --name"}.`);
    const files = copyTemplate(resolve(dir!), name);
    const path = quoted(shown(dir!));
    context.print(
      `${path}: a searcher called ${name}, in ${files.length} files; its code is src/index.ts\n` +
        `next: cd ${path} && bun install && bun test\n` +
        `then: trimtab compare --data DATA --model fm --searcher ${path} --methods ${name},smaller-dim --run runs/${name}`,
    );
    context.document({ name, folder: shown(dir!), files });
  });
}

function quoted(path: string): string {
  return /^[\w./+-]+$/.test(path) ? path : `'${path}'`;
}
