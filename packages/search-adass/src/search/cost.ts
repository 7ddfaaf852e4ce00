/** What paths cost, in the unit of a limit. Costs of fields add up, so a table of field and size tells those of every path. */
import type { Random } from "@trimtab/data";
import { type FieldSpec, type Projection, perField, type Scheme } from "@trimtab/embeddings";
import { costOf, type Limit } from "@trimtab/search-core";
import { dimsOf, type Path } from "../path.ts";
import { pick } from "../supernet/sampler.ts";

export interface SchemeSettings {
  readonly candidates: readonly number[];
  readonly projection: Projection;
}

/** The scheme of a path, as it will be retrained. */
export function schemeOf(
  fields: readonly FieldSpec[],
  path: Path,
  { candidates, projection }: SchemeSettings,
): Scheme {
  return perField(fields, dimsOf(path, candidates), { base: candidates.at(-1)!, projection });
}

/** Whether a model can be built over fields of these dims. */
export type Enough = (dims: readonly number[]) => boolean;

export class Costs {
  readonly limit: Limit;
  /** The cheapest path over which a model can be built. */
  readonly least: Path;
  /** [field][candidate], in the limit's unit. */
  readonly table: readonly (readonly number[])[];

  readonly #enough: (path: Path) => boolean;

  constructor(
    fields: readonly FieldSpec[],
    limit: Limit,
    settings: SchemeSettings,
    enough: Enough = () => true,
  ) {
    this.limit = limit;
    const { candidates, projection } = settings;
    this.#enough = (path) => enough(dimsOf(path, candidates));
    const base = candidates.at(-1)!;
    this.table = fields.map((_, f) =>
      candidates.map((d) => {
        const dims = fields.map((__, g) => (g === f ? d : 0));
        return costOf(perField(fields, dims, { base, projection }), limit);
      }),
    );
    this.least = this.#cheapest();
  }

  of(path: Path): number {
    return path.reduce((n, k, f) => n + this.table[f]![k]!, 0);
  }

  /** The path is within the limit, and a model can be built over it. */
  meets(path: Path): boolean {
    return this.of(path) <= this.limit.value && this.#enough(path);
  }

  /** The share of the path's cost that each field has. */
  shares(path: Path): number[] {
    const total = this.of(path);
    return path.map((k, f) => (total === 0 ? 0 : this.table[f]![k]! / total));
  }

  /**
   * The most even distribution of sizes, [field][candidate], whose expected cost is at most the limit: p[f,k] in proportion to
   * exp(-b cost[f,k]), b found by bisection. (Of all distributions with that expectation it has the largest entropy.)
   */
  evenest(): number[][] {
    const at = (b: number) =>
      this.table.map((own) => {
        const least = Math.min(...own);
        const weights = own.map((c) => Math.exp((-b * (c - least)) / Math.max(1, this.limit.value)));
        const total = weights.reduce((x, y) => x + y, 0);
        return weights.map((w) => w / total);
      });
    const expected = (p: readonly (readonly number[])[]) =>
      p.reduce((n, own, f) => n + own.reduce((m, x, k) => m + x * this.table[f]![k]!, 0), 0);
    if (expected(at(0)) <= this.limit.value) return at(0);
    let low = 0;
    let high = 1;
    // where the least path is all that fits, no finite b is enough; a large one is as good
    while (expected(at(high)) > this.limit.value && high < 1e9) high *= 2;
    for (let i = 0; i < 60; i++) {
      const middle = (low + high) / 2;
      if (expected(at(middle)) > this.limit.value) low = middle;
      else high = middle;
    }
    return at(high);
  }

  /**
   * A path that meets the limit: sizes of fields drawn in proportion to what a step down saves become the next smaller one. Where nothing is left
   * that a model could read it is the least path.
   */
  repair(path: Path, random: Random): Path {
    const out = [...path];
    let cost = this.of(out);
    while (cost > this.limit.value) {
      const savings = out.map((k, f) =>
        k === 0 ? 0 : Math.max(0, this.table[f]![k]! - this.table[f]![k - 1]!),
      );
      // a step that saves nothing (a size whose map outweighs it) is taken only where nothing else is left
      const weights = savings.some((s) => s > 0) ? savings : out.map((k): number => (k === 0 ? 0 : 1));
      const f = pick(weights, random);
      if (out[f] === 0) break;
      out[f]!--;
      cost = this.of(out);
    }
    return this.#enough(out) ? out : this.least;
  }

  /** The smallest size in every field; where that is none and a model needs more, the cheapest fields get their next size. */
  #cheapest(): Path {
    const path = this.table.map(() => 0);
    // of fields that cost the same the first
    const order = this.table
      .map((own, f) => ({ f, cost: own[1] ?? own[0]! }))
      .sort((a, b) => a.cost - b.cost);
    // one field may do, if it is the right one
    const one = order.map(({ f }) => path.map((_, g) => (g === f ? 1 : 0)));
    const two = order.slice(1).map(({ f }) => path.map((_, g) => (g === f || g === order[0]!.f ? 1 : 0)));
    const all = [path, ...one, ...two].filter((each) => each.every((k, f) => k < this.table[f]!.length));
    const fit = all.filter((each) => this.#enough(each));
    return fit.reduce((best, each) => (this.of(each) < this.of(best) ? each : best), fit[0] ?? path);
  }
}
