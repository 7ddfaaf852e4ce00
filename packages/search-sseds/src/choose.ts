/** Which slots are kept under each limit: by one way of weighing saliency against cost, or by the one whose allocation is worth most. */
import { isReadable, type Limit, leastDims, meets, type Task } from "@trimtab/search-core";
import { type AllocationOptions, allocate, bestSlot, type Kept } from "./allocate.ts";
import { type Layout, schemeOf } from "./layout.ts";

/** A way that was tried for a limit, and what its slots are worth. */
export interface Attempt extends AllocationOptions {
  /** Validation AUC (worth.ts); null where it cannot be judged. */
  readonly auc: number | null;
}

export interface Choice {
  readonly kept: Kept;
  /** The way that was taken. */
  readonly way: AllocationOptions;
  /** Every way, where there were several. */
  readonly tried?: readonly Attempt[];
}

export interface ChooseOptions {
  readonly task: Task;
  readonly limits: readonly Limit[];
  /** [field][dim] */
  readonly saliency: readonly (readonly number[])[];
  readonly layout: Layout;
  /** In order: of equally good ones the first is taken. */
  readonly ways: readonly AllocationOptions[];
  /** What kept slots are worth, undefined where that is not known; asked where there are several ways. */
  readonly worth: (kept: Kept) => Promise<number | undefined>;
}

/**
 * Choices in the order of the limits. Limits of one unit are met from the largest down, each within the slots of the one before, so that
 * they are nested.
 */
export async function choose(options: ChooseOptions): Promise<Choice[]> {
  const { limits } = options;
  const choices: Choice[] = [];
  for (const unit of new Set(limits.map((l) => l.unit))) {
    const mine = limits.map((limit, i) => ({ limit, i })).filter(({ limit }) => limit.unit === unit);
    let within: Kept | undefined;
    for (const { limit, i } of mine.sort((a, b) => b.limit.value - a.limit.value)) {
      const choice = await chooseFor(options, limit, within);
      within = choice.kept;
      choices[i] = choice;
    }
  }
  return choices;
}

/** The cheapest slots that leave the model something to read, each field's best; a budget that has none was refused before. */
function leastKept({ task, saliency, layout }: ChooseOptions, limit: Limit): Kept {
  return leastDims(task, limit, layout.projection).map((dim, f) =>
    dim === 0 ? [] : [bestSlot(saliency[f]!)],
  );
}

async function chooseFor(options: ChooseOptions, limit: Limit, within: Kept | undefined): Promise<Choice> {
  const { task, saliency, layout, ways, worth } = options;
  const rows = task.fields.map((f) => f.rows);
  const fits = (kept: Kept) => meets(schemeOf(task, kept, layout), limit);
  const keep = (way: AllocationOptions) => {
    const kept = allocate(saliency, rows, way, fits, within);
    const enough =
      kept &&
      isReadable(
        task,
        kept.map((dims) => dims.length),
      );
    return enough ? kept : leastKept(options, limit);
  };
  if (ways.length === 1) return { kept: keep(ways[0]!), way: ways[0]! };
  const tried: (Attempt & { readonly kept: Kept })[] = [];
  for (const way of ways) {
    const kept = keep(way);
    tried.push({ ...way, auc: (await worth(kept)) ?? null, kept });
  }
  const judged = ({ auc }: Attempt) => auc ?? Number.NEGATIVE_INFINITY;
  const { kept, auc: _, ...way } = tried.reduce((best, one) => (judged(one) > judged(best) ? one : best));
  return { kept, way, tried: tried.map(({ kept: _, ...one }) => one) };
}
