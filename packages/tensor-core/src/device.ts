/** The device: variables and programs on one engine. Everything an application does with tensor-core starts here. */
import { type Lowered, lower } from "./compile/lower.ts";
import { type DType, ELEMENT_BYTES, type HostArray, viewAs } from "./dtype.ts";
import type { Engine, EngineBuffer, EngineChoice, EngineInfo, EngineMemory } from "./engines/engine.ts";
import { BufferTooLarge, DisposedError, FeedError } from "./errors.ts";
import type { Tensor } from "./graph/tensor.ts";
import { Variable, type VariableStore } from "./graph/variable.ts";
import { isByRows } from "./kernels/by-rows.ts";
import type { BufferSpec } from "./kernels/ir.ts";
import { Program } from "./program.ts";
import { checkShape, type Shape, sameShape, showShape, sizeOf } from "./shape.ts";

/** What a program is for: values to hand back, changes to make, or both. */
export interface ProgramParts<O extends Record<string, Tensor>> {
  /** Values that a run can hand back. */
  readonly outputs?: O;
  /** assign and assignRows nodes: what a run changes. */
  readonly updates?: readonly Tensor[];
}

/** What `memory()` tells: exact numbers of everything the device holds. */
export interface DeviceMemory extends EngineMemory {
  readonly variables: number;
  readonly variableBytes: number;
  readonly programs: number;
}

/** An engine on one adapter, with the variables and programs made on it. Opened by `openDevice`; all of them go with `dispose()`. */
export class Device implements VariableStore {
  /** Why it runs on this engine. */
  readonly choice: EngineChoice;
  readonly #engine: Engine;
  readonly #buffers = new Map<Variable, EngineBuffer>();
  readonly #programs = new Set<Program<Record<string, Tensor>>>();
  /** What programs were made over, by the numbers in their buffers. */
  readonly #variables = new WeakMap<object, readonly Variable[]>();
  #disposed = false;

  constructor(engine: Engine, choice: EngineChoice = { why: "the engine was handed over ready" }) {
    this.#engine = engine;
    this.choice = choice;
  }

  /** The adapter, its engine and its limits. */
  get info(): EngineInfo {
    return this.#engine.info;
  }

  /** Rejects with DeviceLost when the adapter goes away; never resolves. */
  get lost(): Promise<never> {
    return this.#engine.lost;
  }

  /** A variable of zeros, or with the given content. Throws BufferTooLarge over the adapter's limit. */
  variable(name: string, shape: Shape, options: { dtype?: DType; data?: HostArray } = {}): Variable {
    this.#check();
    checkShape(`variable "${name}"`, shape);
    const dtype = options.dtype ?? "f32";
    const bytes = sizeOf(shape) * ELEMENT_BYTES;
    if (bytes > this.info.maxBindingBytes) {
      throw new BufferTooLarge(
        `variable "${name}" ${showShape(shape)} needs ${bytes} bytes, but ${this.info.adapter} binds at most ` +
          `${this.info.maxBindingBytes} bytes to a kernel; use a smaller dim, a higher minimum count, or split the table.`,
      );
    }
    const buffer = this.#engine.allocate(bytes, name);
    const variable = new Variable(name, shape, dtype, this);
    this.#buffers.set(variable, buffer);
    try {
      if (options.data) variable.write(options.data);
    } catch (error) {
      variable.dispose();
      throw error;
    }
    return variable;
  }

  /**
   * Compiles outputs and updates into a program. The graph may be built anywhere; inputs are found by their names. Rejects
   * with CompileError (a variable assigned twice from one version, what no kernel can hold), FeedError for
   * two inputs of one name that differ, BufferTooLarge, KernelError, DisposedError for
   * variables that are gone or of another device, and DeviceLost.
   */
  async compile<const O extends Record<string, Tensor>>(parts: ProgramParts<O>): Promise<Program<O>> {
    this.#check();
    const outputs = Object.entries(parts.outputs ?? {}).map(([name, value]) => ({ name, value }));
    const { maxBuffersPerKernel } = this.info;
    return this.#prepare(lower(outputs, parts.updates ?? [], { maxBuffersPerKernel }));
  }

  /**
   * The same program over other variables: `replaced` has those to take instead, of the same dtype and columns (all dims but the first). It costs
   * a fraction of compiling the graph again. undefined where the program looks at one of them other than by rows (`rows`, `gather`,
   * `assignRows`), so that it depends on their number. The program itself stays as it is; it may be disposed, and the variables that it was made over gone.
   */
  async compileAgain<O extends Record<string, Tensor>>(
    program: Program<O>,
    replaced: ReadonlyMap<Variable, Variable>,
  ): Promise<Program<O> | undefined> {
    this.#check();
    const variables = this.#variables.get(program);
    if (!variables) throw new DisposedError("compileAgain: the program is of another device.");
    const { list } = program;
    const of = (spec: BufferSpec) => (spec.variable === undefined ? undefined : variables[spec.variable]!);
    const fits = list.buffers.every((spec, id) => {
      const former = of(spec);
      const next = former && replaced.get(former);
      if (!former || !next) return true;
      return former.dtype === next.dtype && sameColumns(former, next) && isByRows(list, id);
    });
    if (!fits) return undefined;
    const taken = variables.map((v) => replaced.get(v) ?? v);
    const buffers = list.buffers.map((spec) => {
      const { variable } = spec;
      return variable === undefined ? spec : { ...spec, length: taken[variable]!.size };
    });
    return this.#prepare({ list: { ...list, buffers }, variables: taken });
  }

  /** Resolves when everything queued so far has run. */
  idle(): Promise<void> {
    this.#check();
    return this.#engine.idle();
  }

  /** Everything on the device now, to the byte: variables, programs with their temporaries, staging for reads. */
  memory(): DeviceMemory {
    let variableBytes = 0;
    for (const b of this.#buffers.values()) variableBytes += b.bytes;
    return {
      ...this.#engine.memory(),
      variables: this.#buffers.size,
      variableBytes,
      programs: this.#programs.size,
    };
  }

  /** For `Variable.write`. */
  write(variable: Variable, data: HostArray, offset: number): void {
    this.#check();
    const expected = { f32: Float32Array, i32: Int32Array, u32: Uint32Array }[variable.dtype];
    if (!(data instanceof expected) || offset < 0 || offset + data.length > variable.size) {
      throw new FeedError(
        `write: variable "${variable.name}" holds ${variable.size} ${variable.dtype}; got ${data.length} elements of ` +
          `${data.constructor.name} at ${offset}.`,
      );
    }
    this.#engine.write(this.#bufferOf(variable), data, offset * ELEMENT_BYTES);
  }

  /** For `Variable.read`. */
  async read(variable: Variable, offset: number, length: number): Promise<HostArray> {
    this.#check();
    if (offset < 0 || length < 0 || offset + length > variable.size) {
      throw new FeedError(
        `read: variable "${variable.name}" holds ${variable.size} elements; asked for ${length} from ${offset}.`,
      );
    }
    if (length === 0) return viewAs(variable.dtype, new ArrayBuffer(0));
    const bytes = await this.#engine.read(
      this.#bufferOf(variable),
      offset * ELEMENT_BYTES,
      length * ELEMENT_BYTES,
    );
    return viewAs(variable.dtype, bytes);
  }

  /** For `Variable.dispose`. */
  release(variable: Variable): void {
    const buffer = this.#buffers.get(variable);
    if (!buffer) return;
    this.#buffers.delete(variable);
    if (!this.#disposed) this.#engine.free(buffer);
  }

  /** Frees every program, every variable and the engine. Twice is harmless. */
  dispose(): void {
    if (this.#disposed) return;
    for (const program of [...this.#programs]) program.dispose();
    for (const variable of [...this.#buffers.keys()]) variable.dispose();
    this.#disposed = true;
    this.#engine.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  async #prepare<O extends Record<string, Tensor>>({ list, variables }: Lowered): Promise<Program<O>> {
    const buffers = variables.map((v) => this.#bufferOf(v));
    const engineProgram = await this.#engine.prepare(list, buffers);
    const program = new Program<O>(list, engineProgram, () => {
      this.#programs.delete(program as unknown as Program<Record<string, Tensor>>);
    });
    this.#programs.add(program as unknown as Program<Record<string, Tensor>>);
    this.#variables.set(program, variables);
    return program;
  }

  #bufferOf(variable: Variable): EngineBuffer {
    const buffer = this.#buffers.get(variable);
    if (buffer) return buffer;
    throw new DisposedError(`Variable "${variable.name}" was disposed or belongs to another device.`);
  }

  #check(): void {
    if (this.#disposed) throw new DisposedError("The device was disposed; open a new one with openDevice().");
  }
}

/** True if all dims but the first are the same. */
function sameColumns(a: Variable, b: Variable): boolean {
  return a.shape.length > 0 && sameShape(a.shape.slice(1), b.shape.slice(1));
}
