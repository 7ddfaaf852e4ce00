/** A random program on a device: the same seeds give the same program and the same numbers to start from. */
import type * as t from "../../src/index.ts";
import { type RandomProgram, randomProgram } from "./random-graph.ts";

export interface Ran {
  readonly program: RandomProgram;
  /** Values by name, as one run leaves them. */
  readonly outputs: ReadonlyMap<string, t.HostArray>;
  readonly variables: ReadonlyMap<t.Variable, t.HostArray>;
}

export async function runRandom(device: t.Device, seed: number, steps: readonly number[]): Promise<Ran> {
  const made: t.Variable[] = [];
  try {
    const program = randomProgram(seed, steps, (name, shape, dtype) => {
      const variable = device.variable(name, shape, { dtype });
      made.push(variable);
      return variable;
    });
    for (const [variable, content] of program.contents) variable.write(content);
    using compiled = await device.compile(program);
    const wanted = new Set(compiled.inputs);
    const feeds = Object.fromEntries(Object.entries(program.feeds).filter(([name]) => wanted.has(name)));
    const outputs = await compiled.fetch(feeds);
    const contents = [...program.contents.keys()].map(async (v) => [v, await v.read()] as const);
    return {
      program,
      outputs: new Map(Object.entries(outputs)),
      variables: new Map(await Promise.all(contents)),
    };
  } finally {
    for (const variable of made) variable.dispose();
  }
}
