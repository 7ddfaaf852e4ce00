/** One kernel list on an engine and in the interpreter. */
import { viewAs } from "../../src/dtype.ts";
import type { Engine, EngineBuffer, EngineProgram } from "../../src/engines/engine.ts";
import { interpret } from "../reference/interpret.ts";
import type { Case } from "./random-kernels.ts";

/** Runs the case on the engines and by the interpreter; every buffer must agree in every element. */
export async function agree(of: Case, ...engines: readonly Engine[]): Promise<void> {
  const { list, feeds, variables } = of;
  const wanted = interpret(
    list,
    feeds,
    variables.map((values) => Float64Array.from(values)),
  );
  for (const engine of engines) await agreeWith(of, wanted, engine);
}

async function agreeWith(
  { list, feeds, variables, dtypes }: Case,
  wanted: readonly Float64Array[],
  engine: Engine,
): Promise<void> {
  const buffers: EngineBuffer[] = [];
  let program: EngineProgram | undefined;
  try {
    for (const [i, values] of variables.entries()) {
      buffers.push(engine.allocate(values.byteLength, `variable ${i}`));
      engine.write(buffers[i]!, values);
    }
    program = await engine.prepare(list, buffers);
    const ids = list.buffers.flatMap(({ role }, id) =>
      role === "variable" || role === "output" ? [id] : [],
    );
    const got = await Promise.all(program.run(feeds, ids));
    for (const [i, id] of ids.entries()) {
      const values = viewAs(dtypes[id]!, got[i]!);
      const wrong = wanted[id]!.findIndex((value, at) => value !== values[at]);
      if (wrong < 0) continue;
      const sources = program.sources().map(({ text }) => text);
      throw new Error(
        `buffer ${id}[${wrong}]: got ${values[wrong]}, wanted ${wanted[id]![wrong]}\n${JSON.stringify(list)}\n${sources.join("\n")}`,
      );
    }
  } finally {
    program?.dispose();
    for (const buffer of buffers) engine.free(buffer);
  }
}
