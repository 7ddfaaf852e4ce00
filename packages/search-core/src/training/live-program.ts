/** A program over tables whose variables change while training: compiled anew for each generation, from the last one's kernels where they allow it. */
import type { Model } from "@trimtab/models";
import type { Device, Program, ProgramParts, Tensor, Variable } from "@trimtab/tensor-core";

export class LiveProgram<O extends Record<string, Tensor>> {
  readonly #device: Device;
  readonly #model: Model;
  readonly #parts: () => ProgramParts<O>;
  #program: Program<O> | undefined;
  #needs: ReadonlySet<string> = new Set();
  #generation: number | undefined;
  #variables: readonly Variable[] = [];

  /** `parts` builds the graph over the tables as they are then. */
  constructor(device: Device, model: Model, parts: () => ProgramParts<O>) {
    this.#device = device;
    this.#model = model;
    this.#parts = parts;
  }

  /** The program for the tables as they are, and the inputs that it asks for. It is good until the generation changes. */
  async get(): Promise<{ readonly program: Program<O>; readonly needs: ReadonlySet<string> }> {
    const { live } = this.#model.tables;
    let program = this.#program;
    if (!program || live?.generation !== this.#generation) {
      const { generation, variables = [] } = live ?? {};
      const former = this.#program;
      // before the next one is made: the temporaries of both at once would be the peak of the device's memory
      this.dispose();
      program = (await this.#again(former, variables)) ?? (await this.#device.compile(this.#parts()));
      this.#program = program;
      this.#needs = new Set(program.inputs);
      this.#generation = generation;
      this.#variables = variables;
    }
    return { program, needs: this.#needs };
  }

  dispose(): void {
    this.#program?.dispose();
    this.#program = undefined;
  }

  /** The former program's kernels over other variables; it may be disposed. */
  async #again(
    former: Program<O> | undefined,
    variables: readonly Variable[],
  ): Promise<Program<O> | undefined> {
    if (!former) return undefined;
    const replaced = new Map(this.#variables.map((v, i) => [v, variables[i]!]));
    return await this.#device.compileAgain(former, replaced);
  }
}
