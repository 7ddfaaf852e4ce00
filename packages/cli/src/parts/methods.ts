/** The searchers this command knows, by name. */

import { coreBaselines } from "@trimtab/report";
import { adass } from "@trimtab/search-adass";
import {
  dimsBySize,
  hashedRows,
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

type Factory = (config?: never) => Searcher;

const factories = new Map<string, Factory>(
  [
    sseds,
    pep,
    adass,
    fiited,
    smallerDim,
    smallerDimProjected,
    dimsBySize,
    randomDims,
    hashedRows,
    rowPruning,
    magnitude,
  ].map((f) => [f.searcherName, f as Factory]),
);

export const methodNames: readonly string[] = [...factories.keys()];

/** Methods whose tables change while they train: what training takes is measured, and a trained model is handed over. */
export const liveNames: readonly string[] = [fiited.searcherName, rowPruning.searcherName];

/** What searchers must beat: row pruning trains as FIITED does, but chooses by counts alone. */
export const allBaselines: readonly string[] = [...coreBaselines, rowPruning.searcherName];

/** Baselines that find dims of fields: what a search of dims must beat. (Magnitude pruning finds single numbers, as PEP does; hashed-rows and row-pruning keep fewer rows.) */
export const baselineNames: readonly string[] = methodNames.filter(
  (name) => !["sseds", "pep", "adass", "hashed-rows", "magnitude", ...liveNames].includes(name),
);

/** Makes a searcher. Throws UsageError for an unknown name, ConfigError for a wrong configuration. */
export function method(name: string, config?: unknown): Searcher {
  const factory = factories.get(name);
  if (!factory) throw new UsageError(`unknown method "${name}"; the methods are ${methodNames.join(", ")}.`);
  return factory(config as never);
}
