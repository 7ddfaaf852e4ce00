/** The searchers that the command knows by name: ours, and those of modules from outside. */
import { coreBaselines } from "@trimtab/report";
import { adass } from "@trimtab/search-adass";
import {
  dimsBySize,
  hashedRows,
  labelled,
  magnitude,
  randomDims,
  type Searcher,
  smallerDim,
  smallerDimProjected,
} from "@trimtab/search-core";
import { fiited, rowPruning } from "@trimtab/search-fiited";
import { pep } from "@trimtab/search-pep";
import { sseds } from "@trimtab/search-sseds";
import { UsageError } from "./errors.ts";
import { type Factory, importSearchers, moduleName } from "./searcher-modules.ts";

const named = (...factories: { readonly searcherName: string }[]) => factories.map((f) => f.searcherName);

/** Baselines that find dims of fields: what a search of dims must beat. Others find single numbers, or keep fewer rows. */
const dimBaselines = [smallerDim, smallerDimProjected, dimsBySize, randomDims];

const ours = [sseds, pep, adass, fiited, ...dimBaselines, hashedRows, rowPruning, magnitude] as Factory[];

/** Ours. */
export const methodNames: readonly string[] = named(...ours);

/** Methods whose tables change while they train: what training takes is measured, and a trained model is handed over. */
export const liveNames: readonly string[] = named(fiited, rowPruning);

/** What searchers must beat: row pruning trains as FIITED does, but chooses by counts alone. */
export const allBaselines: readonly string[] = [...coreBaselines, ...named(rowPruning)];

/** What is compared where nothing else is asked for. */
export const defaultMethods: readonly string[] = named(sseds, ...dimBaselines);

/** The name of the row of the uniform model in every comparison. */
const BASE = "base";

/** Names are folders too, and stand between commas. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._+-]*$/;

/** Ours and those of modules from outside. Made by `loadMethods`. */
export class Methods {
  /** Absolute URLs of the modules from outside: all that `loadMethods` needs to make the same again. */
  readonly modules: readonly string[];
  /** Names of the searchers from outside. */
  readonly added: readonly string[];
  readonly #factories: ReadonlyMap<string, Factory>;

  constructor(modules: readonly string[], factories: ReadonlyMap<string, Factory>) {
    this.modules = modules;
    this.#factories = factories;
    this.added = [...factories.keys()].slice(ours.length);
  }

  get names(): readonly string[] {
    return [...this.#factories.keys()];
  }

  /**
   * Makes a searcher. A configuration with `use` makes the name a label: { use: "pep", mode: "faithful" }. Name and configuration of
   * a searcher made here make it again. Throws UsageError for a name that is unknown or taken, ConfigError for a wrong configuration.
   */
  make(name: string, config?: unknown): Searcher {
    const { use, ...own } = (config ?? {}) as Readonly<Record<string, unknown>>;
    if (use === undefined) return this.#factory(name)(config as never);
    if (typeof use !== "string") {
      throw new UsageError(`method "${name}": "use" is ${JSON.stringify(use)}; give the name of a method.`);
    }
    const taken = this.refusal(name);
    if (taken) throw new UsageError(`label "${name}" of method "${use}": ${taken}.`);
    return labelled(this.#factory(use)(own as never), name);
  }

  /** Why something new cannot have this name, or undefined. */
  refusal(name: string): string | undefined {
    return refusal(name, this.#factories);
  }

  #factory(name: string): Factory {
    const factory = this.#factories.get(name);
    if (factory) return factory;
    throw new UsageError(
      `unknown method "${name}"; the methods are ${this.names.join(", ")}; one of your own comes with --searcher, ` +
        'a label with "use" in the methods of --config.',
    );
  }
}

/** All methods with these modules (absolute URLs) from outside, loaded in order. Throws UsageError. */
export async function loadMethods(modules: readonly string[] = []): Promise<Methods> {
  const factories = new Map(ours.map((factory) => [factory.searcherName, factory]));
  const unique = [...new Set(modules)];
  for (const url of unique) {
    for (const factory of await importSearchers(url)) {
      const { searcherName } = factory;
      const taken = refusal(searcherName, factories);
      if (taken) {
        throw new UsageError(`searcher module ${moduleName(url)}: searcher "${searcherName}": ${taken}.`);
      }
      factories.set(searcherName, factory);
    }
  }
  return new Methods(unique, factories);
}

function refusal(name: string, taken: ReadonlyMap<string, unknown>): string | undefined {
  if (name === BASE) return "the name is taken by the base model; choose another one";
  if (taken.has(name)) {
    return `the name is taken by ${methodNames.includes(name) ? "a method of Trimtab" : "another searcher"}; choose another one`;
  }
  if (NAME.test(name)) return undefined;
  return "a name has letters, digits, dots, hyphens, pluses and underscores, and begins with a letter or digit; choose another one";
}
