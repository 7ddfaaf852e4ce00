/** What a comparison is asked for: options, over a study or a file, over what its folder was asked for last and keeps for that. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseConfig, type Searcher, writeJson } from "@trimtab/search-core";
import { z } from "zod";
import { chooseMethods, type MethodOptions } from "../parts/chosen-methods.ts";
import { UsageError } from "../parts/errors.ts";
import { defaultMethods } from "../parts/methods.ts";
import { seedOf } from "../parts/settings.ts";
import { checkBudgets, checkSeeds } from "./distinct.ts";
import type { StudyFile } from "./file.ts";

const FILE = "asked.json";

const askedSchema = z.strictObject({
  version: z.literal(1),
  /** Configurations by the names the methods were asked by. */
  methods: z.record(z.string(), z.record(z.string(), z.unknown())),
  /** Modules of searchers that are not Trimtab's own. */
  searchers: z.array(z.string()),
  budgets: z.array(z.string()),
  seeds: z.array(z.int().nonnegative()),
});

type Asked = Omit<z.output<typeof askedSchema>, "version">;

export interface AskedOptions extends MethodOptions {
  readonly run: string;
  readonly methods?: string[];
  readonly budgets?: string[];
  readonly seeds?: number[];
  readonly force?: boolean;
}

export interface AskedNow {
  readonly methods: readonly Searcher[];
  /** Modules that searchers came from which are not ours. */
  readonly modules: readonly string[];
  readonly budgets: string[];
  readonly seeds: number[];
  /** The same as it is kept. */
  readonly kept: Asked;
}

/** Loads the methods and settles what options leave open. Throws UsageError, ConfigError and BudgetError before anything is opened. */
export async function askedNow(options: AskedOptions, study: StudyFile | undefined): Promise<AskedNow> {
  const before = study || options.force ? undefined : askedBefore(options.run);
  const last = study ?? before;
  // a file that is named now says all there is to say of searchers
  const own = study ?? (options.config === undefined ? before : undefined);
  const settings = own && { methods: own.methods ?? {}, searchers: own.searchers ?? [] };
  const chosen = await chooseMethods({ ...options, settings });
  // defaults here: commander would print lists as JSON in --help
  const named = last?.methods && Object.keys(last.methods);
  const names = [...new Set(options.methods ?? named ?? [...chosen.methods.added, ...defaultMethods])];
  const budgets = options.budgets ?? last?.budgets ?? ["10%"];
  const seed = study ? undefined : seedOf(options.config);
  const seeds = options.seeds ?? (seed === undefined ? last?.seeds : [seed]) ?? [1];
  checkBudgets(budgets);
  checkSeeds(seeds);
  const { modules } = chosen.methods;
  return {
    ...{ methods: names.map((name) => chosen.make(name)), modules, budgets, seeds },
    kept: {
      methods: Object.fromEntries(names.map((name) => [name, { ...chosen.settings.methods[name] }])),
      searchers: modules.map((url) => fileURLToPath(url)),
      ...{ budgets, seeds },
    },
  };
}

/** Undefined where nothing was asked yet, or by an older version. Throws UsageError and ConfigError for a damaged file. */
function askedBefore(run: string): Asked | undefined {
  const path = join(run, FILE);
  if (!existsSync(path)) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    throw new UsageError(`${path}: is not JSON; remove it and name methods, budgets and seeds again.`);
  }
  return parseConfig(askedSchema, json, path);
}

export function keepAsked(run: string, asked: Asked): void {
  writeJson(join(run, FILE), { version: 1, ...asked });
}
