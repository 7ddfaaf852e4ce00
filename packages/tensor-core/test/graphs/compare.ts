/** Compares what an engine or interpreter made with what the reference evaluator says. */
import type { OutputRequest } from "../../src/compile/storages.ts";
import type { Variable } from "../../src/index.ts";
import { evaluate, type Values } from "../reference/evaluate.ts";
import type { RandomProgram } from "./random-graph.ts";

export interface Expected {
  readonly outputs: ReadonlyMap<string, Values>;
  /** Contents after one step of every variable of the program. */
  readonly variables: ReadonlyMap<Variable, ArrayLike<number>>;
}

export function outputList(program: RandomProgram): OutputRequest[] {
  return Object.entries(program.outputs).map(([name, value]) => ({ name, value }));
}

export function referenceOf(program: RandomProgram): Expected {
  const roots = [...Object.values(program.outputs), ...program.updates];
  const { feeds, contents } = program;
  const found = evaluate(roots, { feeds: new Map(Object.entries(feeds)), variables: contents });
  const outputs = new Map(outputList(program).map(({ name, value }) => [name, found.of(value)]));
  const variables = new Map<Variable, ArrayLike<number>>(contents);
  for (const [variable, values] of found.assigned) variables.set(variable, values);
  return { outputs, variables };
}

/**
 * Throws unless |actual - expected| <= tolerance * max(1, |expected|) for every element. Elements that have no meaning
 * (NaN in the reference: rows beyond a plan's count) are passed over; the reference makes no other NaN.
 */
export function expectClose(
  what: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
): void {
  if (actual.length !== expected.length) {
    throw new Error(`${what}: ${actual.length} elements, expected ${expected.length}`);
  }
  for (let i = 0; i < expected.length; i++) {
    const e = expected[i]!;
    if (Number.isNaN(e)) continue;
    if (!(Math.abs(actual[i]! - e) <= tolerance * Math.max(1, Math.abs(e)))) {
      throw new Error(`${what}[${i}] is ${actual[i]}, expected ${e}`);
    }
  }
}

/** The feeds of a list as one raw buffer, as a Program stages them. */
export function stageFeeds(
  slots: readonly { readonly name: string; readonly offset: number }[],
  length: number,
  feeds: RandomProgram["feeds"],
): Uint32Array {
  const bytes = new ArrayBuffer(length * 4);
  for (const { name, offset } of slots) {
    const data = feeds[name];
    if (!data) throw new Error(`test: no feed "${name}"`);
    new (data.constructor as Float32ArrayConstructor)(bytes, offset * 4, data.length).set(data);
  }
  return new Uint32Array(bytes);
}
