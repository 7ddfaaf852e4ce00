/** One searcher under several names, so that one comparison can hold several configurations of a method. */
import type { Searcher } from "./searcher.ts";

/**
 * The same searcher under another name: results, notes and folders of checkpoints are called `label`. Its configuration says `use`, the
 * searcher's own name, so that name and configuration together still tell what ran.
 */
export function labelled(searcher: Searcher, label: string): Searcher {
  return {
    name: label,
    config: { use: searcher.name, ...(searcher.config as object) },
    code: searcher.code,
    independent: searcher.independent,
    cannot: (task, budget) => searcher.cannot(task, budget),
    search: (task, options) => searcher.search(task, { name: label, ...options }),
  };
}

/** The searcher's own name behind one that may be a label: what the configuration's `use` says, else the name itself. */
export function ownName(name: string, config: unknown): string {
  const use = typeof config === "object" && config !== null && "use" in config ? config.use : undefined;
  return typeof use === "string" ? use : name;
}
