/** Runs a test program on a device and compares every output and variable with the reference evaluator. */
import type { Device, Variable } from "../../src/index.ts";
import { expectClose, referenceOf } from "../graphs/compare.ts";
import type { RandomProgram } from "../graphs/random-graph.ts";

export async function expectOnDevice(
  device: Device,
  program: RandomProgram,
  tolerance: number,
): Promise<void> {
  const expected = referenceOf(program);
  for (const [variable, content] of program.contents) variable.write(content);
  using compiled = await device.compile(program);
  const wanted = new Set(compiled.inputs);
  const feeds = Object.fromEntries(Object.entries(program.feeds).filter(([name]) => wanted.has(name)));
  // twice: what a step leaves behind must not change the next
  await compiled.fetch(feeds);
  for (const [variable, content] of program.contents) variable.write(content);
  const outputs: Record<string, ArrayLike<number>> = await compiled.fetch(feeds);
  for (const [name, value] of Object.entries(program.outputs)) {
    const close = value.dtype === "f32" ? tolerance : 0;
    expectClose(name, outputs[name]!, expected.outputs.get(name)!, close);
  }
  for (const [variable, values] of expected.variables) {
    expectClose(`variable ${variable.name}`, await variable.read(), values, tolerance);
  }
}

/** Makes variables of a device and frees them together. */
export class Variables {
  readonly all: Variable[] = [];
  readonly #device: Device;

  constructor(device: Device) {
    this.#device = device;
  }

  make = (name: string, shape: readonly number[], dtype?: "f32" | "i32" | "u32"): Variable => {
    const variable = this.#device.variable(name, shape, { dtype });
    this.all.push(variable);
    return variable;
  };

  [Symbol.dispose](): void {
    for (const v of this.all) v.dispose();
  }
}
