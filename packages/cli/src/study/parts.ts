/** The parts of a study that are left: what one process does at a time, and what must be done before it. */
import type { Comparison, Searcher } from "@trimtab/search-core";
import type { Cell } from "./cells.ts";

/** A base model, or one method under one seed. */
export interface Part {
  readonly cell: Cell;
  readonly seed: number;
  /** Undefined: the base model. */
  readonly method?: Searcher;
}

/** The parts of one seed of a cell: methods wait for the base model. */
export interface Seed {
  readonly base: Part;
  readonly methods: readonly Part[];
}

/** What is left of a cell, seed by seed. `recalled` is the cell as far as it is there. */
export function seedsOf(
  cell: Cell,
  recalled: Comparison,
  seeds: readonly number[],
  methods: readonly Searcher[],
): Seed[] {
  return seeds.flatMap((seed): Seed[] => {
    const left = recalled.left.filter((one) => one.seed === seed);
    if (left.length === 0) return [];
    const open = methods
      .filter(({ name }) => left.some(({ method }) => method === name))
      .map((method): Part => ({ cell, seed, method }));
    // searches read the base model from its checkpoint, which may be gone, or half trained, where its row is not
    return [{ base: { cell, seed }, methods: open }];
  });
}

/** "criteo-fm pep (seed 2)". */
export function titleOf({ cell, seed, method }: Part): string {
  return [cell.name, method?.name ?? "base", `(seed ${seed})`].filter((word) => word !== "").join(" ");
}
