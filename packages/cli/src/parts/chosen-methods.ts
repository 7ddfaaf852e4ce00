/** The methods of a command line: --searcher and --config bring modules, --config brings configurations and labels. */
import { dirname, resolve } from "node:path";
import type { Searcher } from "@trimtab/search-core";
import type { Command } from "commander";
import { loadMethods, type Methods, methodNames } from "./methods.ts";
import { moduleUrl } from "./searcher-modules.ts";
import { readSearcherSettings, type SearcherSettings } from "./settings.ts";

export interface MethodOptions {
  readonly searcher?: readonly string[];
  readonly config?: string;
  /** What to take in place of what `config` says of searchers; its modules are seen from `config`, too. */
  readonly settings?: SearcherSettings;
}

export interface ChosenMethods {
  readonly methods: Methods;
  /** What a file, or the folder, says of searchers. */
  readonly settings: SearcherSettings;
  /** The searcher of this name as the configuration file has it, with `typed` over that. */
  make(name: string, typed?: Readonly<Record<string, unknown>>): Searcher;
}

/** What can follow --method and --methods. */
export const METHODS_HELP = `of ${methodNames.join(", ")}, what --searcher brings, or a label of --config`;

export function addSearcherOption(command: Command): Command {
  return command.option(
    "--searcher <modules...>",
    "searchers of your own: paths of .ts or .js files, or packages (trimtab new-searcher makes one)",
  );
}

/** Loads what was named. Throws UsageError and ConfigError before anything else is opened. */
export async function chooseMethods({
  searcher = [],
  config,
  settings = readSearcherSettings(config),
}: MethodOptions): Promise<ChosenMethods> {
  const beside = config === undefined ? process.cwd() : dirname(resolve(config));
  const methods = await loadMethods([
    ...settings.searchers.map((written) => moduleUrl(written, beside)),
    ...searcher.map((written) => moduleUrl(written, process.cwd())),
  ]);
  return {
    methods,
    settings,
    make: (name, typed) => methods.make(name, { ...settings.methods[name], ...typed }),
  };
}
