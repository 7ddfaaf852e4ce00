/**
 * Random programs: graphs that mix every kind of op, share nodes, and update variables in awkward ways. Every step of
 * a program has a seed of its own, so that fast-check shrinks a failing program by dropping steps.
 *
 * Values stay within a few units, and what jumps (floor, comparisons) is applied off its jumps, so that a Float64
 * evaluation and an f32 device may be compared.
 */

import { Random } from "@trimtab/test-support";
import type * as t from "../../src/index.ts";
import type { Tensor, Variable } from "../../src/index.ts";
import * as ops from "./random-ops.ts";
import { type MakeVariable, Pool } from "./random-pool.ts";
import * as changes from "./random-updates.ts";

export type { MakeVariable } from "./random-pool.ts";

export interface RandomProgram {
  readonly outputs: Record<string, Tensor>;
  readonly updates: readonly Tensor[];
  readonly feeds: Readonly<Record<string, t.HostArray>>;
  readonly contents: ReadonlyMap<Variable, t.HostArray>;
}

/** A random program of about `steps.length` ops; the same seeds make the same program. */
export function randomProgram(seed: number, steps: readonly number[], make: MakeVariable): RandomProgram {
  const g = new Pool(seed, make);
  g.pool.push(g.input(g.shape()));
  for (const step of steps) {
    g.random = new Random(step);
    act(g);
  }
  const random = new Random(seed + 1);
  const outputs: Record<string, Tensor> = {};
  const versions = [...g.versions.values()];
  // half of the updates are roots by themselves; all are when nothing else asks for them
  const updates = versions.filter((v) => v.op.kind !== "variable" && random.next() < 0.9);
  const candidates = [
    ...g.pool.slice(-6),
    random.pick(g.pool),
    random.pick(g.pool),
    ...g.whole.slice(-2),
    random.pick(versions.concat(g.pool)),
  ];
  for (const value of random.shuffle(candidates).slice(0, random.whole(1, 6))) {
    outputs[`out${Object.keys(outputs).length}`] = value;
  }
  return { outputs, updates, feeds: g.feeds, contents: g.contents };
}

/** One random step. */
function act(g: Pool): void {
  const r = g.random;
  const kinds: [number, () => void][] = [
    [6, () => ops.unary(g)],
    [8, () => ops.binary(g)],
    [8, () => ops.view(g)],
    [6, () => ops.fold(g)],
    [3, () => ops.normalize(g)],
    [4, () => ops.matmul(g)],
    [2, () => changes.gather(g)],
    [3, () => ops.concat(g)],
    [3, () => ops.integers(g)],
    [1, () => g.keep(g.input(g.shape()))],
    [2, () => g.keep(g.variable(g.shape()).value)],
    [4, () => changes.assign(g)],
    [1, () => changes.swap(g)],
    [2, () => changes.updateRows(g)],
    [2, () => changes.readVersion(g)],
  ];
  let at = r.next() * kinds.reduce((n, [weight]) => n + weight, 0);
  for (const [weight, act] of kinds) {
    at -= weight;
    if (at < 0) {
      act();
      return;
    }
  }
}
