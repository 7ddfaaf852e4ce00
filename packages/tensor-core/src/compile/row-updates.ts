/**
 * Joins the row updates of one plan into one kernel before anything else is decided. Rules with coupled L2 read weight and
 * moments in each other's updates: as kernels of their own they would wait for each other, as one they load all first.
 */
import type { Kernel } from "../kernels/ir.ts";
import { Dependencies } from "./dependencies.ts";
import { NotAffine } from "./emit.ts";
import { Hazard, TooManyBuffers } from "./form.ts";
import { type Group, makeGroup } from "./group.ts";
import type { Uses } from "./uses.ts";

export function joinRowUpdates(
  groups: readonly Group[],
  uses: Uses,
  form: (group: Group) => Kernel,
): Group[] {
  let current = [...groups];
  for (const all of updatesByPlan(groups)) {
    const set = withoutEarly(all, current, uses);
    if (set.length < 2) continue;
    const joined = makeGroup({ ...set[0]!, roots: set.flatMap((g) => g.roots) });
    try {
      form(joined);
    } catch (reason) {
      if (reason instanceof NotAffine || reason instanceof Hazard || reason instanceof TooManyBuffers)
        continue;
      throw reason;
    }
    current = current.filter((g) => !set.includes(g)).concat(joined);
  }
  return current;
}

/** Groups that only replace rows, by plan and columns. */
function updatesByPlan(groups: readonly Group[]): Group[][] {
  const plans = new Map<unknown, Map<number, Group[]>>();
  for (const g of groups) {
    if (g.kind !== "segment" || g.roots.some(({ target }) => target.kind !== "variable")) continue;
    const byColumns = plans.get(g.plan) ?? new Map<number, Group[]>();
    plans.set(g.plan, byColumns);
    byColumns.set(g.space[1]!, [...(byColumns.get(g.space[1]!) ?? []), g]);
  }
  return [...plans.values()].flatMap((byColumns) => [...byColumns.values()]);
}

/** Those of the set that need not run before something outside that others of the set wait for. */
function withoutEarly(set: readonly Group[], groups: readonly Group[], uses: Uses): readonly Group[] {
  if (set.length < 2) return set;
  const deps = new Dependencies(groups, uses);
  // what comes back to the set: a row that is put aside for the lookup, say
  const outside = groups.filter((g) => !set.includes(g) && set.some((s) => deps.reaches(g, s)));
  return set.filter((s) => !outside.some((g) => deps.reaches(s, g)));
}
