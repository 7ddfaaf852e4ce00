/** Lists of an option or a file in which nothing may stand twice: the same training would count as two, and its spread as none. */
import { parseBudget } from "@trimtab/search-core";
import { UsageError } from "../parts/errors.ts";

/** Throws UsageError for a seed that is named twice. */
export function checkSeeds(seeds: readonly number[]): void {
  const twice = seeds.find((seed, i) => seeds.indexOf(seed) !== i);
  if (twice !== undefined) throw new UsageError(`seed ${twice} is named twice; name each seed once.`);
}

/** Throws UsageError for a budget that is named twice, in whatever words, and BudgetError for one that cannot be read. */
export function checkBudgets(budgets: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const text of budgets) {
    const { unit, value } = parseBudget(text);
    const key = `${value} ${unit}`;
    const other = seen.get(key);
    if (other !== undefined) {
      const same =
        other === text ? `budget ${text} is named twice` : `budgets ${other} and ${text} are the same`;
      throw new UsageError(`${same}; name each budget once.`);
    }
    seen.set(key, text);
  }
}
