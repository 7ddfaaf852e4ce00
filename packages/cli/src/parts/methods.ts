/** The searchers this command knows, by name. */
import { dimsBySize, randomDims, type Searcher, smallerDim, smallerDimProjected } from "@trimtab/search-core";
import { sseds } from "@trimtab/search-sseds";
import { UsageError } from "./errors.ts";

type Factory = (config?: never) => Searcher;

const factories = new Map<string, Factory>(
  [sseds, smallerDim, smallerDimProjected, dimsBySize, randomDims].map((f) => [f.searcherName, f as Factory]),
);

export const methodNames: readonly string[] = [...factories.keys()];

/** Everything that is not a search: what a search must beat. */
export const baselineNames: readonly string[] = methodNames.filter((name) => name !== "sseds");

/** Makes a searcher. Throws UsageError for an unknown name, ConfigError for a wrong configuration. */
export function method(name: string, config?: unknown): Searcher {
  const factory = factories.get(name);
  if (!factory) throw new UsageError(`unknown method "${name}"; the methods are ${methodNames.join(", ")}.`);
  return factory(config as never);
}
