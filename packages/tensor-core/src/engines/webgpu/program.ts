/**
 * A kernel list made ready: pipelines and bind groups once, then a step is one upload, one encoder, one pass, one submit.
 */
import { DisposedError, FeedError, KernelError } from "../../errors.ts";
import type { BufferId, KernelList } from "../../kernels/ir.ts";
import type { EngineProgram, KernelTime } from "../engine.ts";
import type { WebGpuEngine } from "./engine.ts";
import { USAGE } from "./memory.ts";
import { profile } from "./profile.ts";
import { type Dispatch, SCRATCH, type Workgroups } from "./wgsl/dispatch.ts";
import { planKernel } from "./wgsl/plan.ts";

/** One dispatch, ready to encode. */
export interface Step {
  /** Index into the list's kernels. */
  readonly kernel: number;
  readonly dispatch: Dispatch;
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
}

export class WebGpuProgram implements EngineProgram {
  readonly #engine: WebGpuEngine;
  readonly #list: KernelList;
  readonly #steps: readonly Step[];
  readonly #buffers: readonly GPUBuffer[];
  readonly #owned: readonly GPUBuffer[];
  readonly #feeds: BufferId;
  #disposed = false;

  private constructor(
    engine: WebGpuEngine,
    list: KernelList,
    steps: readonly Step[],
    buffers: readonly GPUBuffer[],
    owned: readonly GPUBuffer[],
  ) {
    this.#engine = engine;
    this.#list = list;
    this.#steps = steps;
    this.#buffers = buffers;
    this.#owned = owned;
    this.#feeds = list.buffers.findIndex((spec) => spec.role === "feeds");
  }

  static async prepare(
    engine: WebGpuEngine,
    list: KernelList,
    variables: readonly GPUBuffer[],
  ): Promise<WebGpuProgram> {
    const { info, device } = engine;
    const traits = { software: info.software, subgroupSize: engine.subgroupSize };
    const planned = list.kernels.flatMap((kernel, index) =>
      planKernel(kernel, traits).map((dispatch) => ({ kernel: index, label: kernel.label, dispatch })),
    );
    for (const { label, dispatch } of planned) {
      if (dispatch.bindings.length <= info.maxBuffersPerKernel) continue;
      throw new KernelError(
        `Kernel "${label}" touches ${dispatch.bindings.length} buffers, but ${info.adapter} binds at most ${info.maxBuffersPerKernel}.`,
      );
    }

    const owned: GPUBuffer[] = [];
    const own = (elements: number, label: string): GPUBuffer => {
      const buffer = engine.storage(elements * 4, label);
      owned.push(buffer);
      return buffer;
    };
    try {
      const buffers = list.buffers.map((spec) =>
        spec.role === "variable"
          ? variables[spec.variable!]!
          : own(spec.length, `${spec.role} ${spec.label}`),
      );
      const scratchElements = Math.max(0, ...planned.map(({ dispatch }) => dispatch.scratchElements ?? 0));
      const scratch = scratchElements > 0 ? own(scratchElements, "scratch") : undefined;

      const params = uploadParams(
        engine,
        planned.map(({ dispatch }) => dispatch),
        owned,
      );

      device.pushErrorScope("validation");
      const pipelines = Promise.all(
        planned.map(({ label, dispatch }) =>
          engine.pipelines.get(dispatch.wgsl, dispatch.bindings, hasParams(dispatch), label),
        ),
      );
      // A shader that does not compile rejects its pipeline and also raises an error here; the first has the better words.
      const raised = device.popErrorScope();
      const ready = await pipelines;
      const error = await raised;
      if (error !== null) throw new KernelError(`WebGPU refused a kernel: ${error.message.trim()}`);

      device.pushErrorScope("validation");
      const steps = planned.map(({ kernel, dispatch }, i): Step => {
        const { pipeline, layout } = ready[i]!;
        const entries: GPUBindGroupEntry[] = dispatch.bindings.map(({ buffer }, binding) => ({
          binding,
          resource: { buffer: buffer === SCRATCH ? scratch! : buffers[buffer]! },
        }));
        if (hasParams(dispatch)) entries.push({ binding: entries.length, resource: params(i) });
        return { kernel, dispatch, pipeline, group: device.createBindGroup({ layout, entries }) };
      });
      const refused = await device.popErrorScope();
      if (refused !== null) throw new KernelError(`WebGPU refused a binding: ${refused.message.trim()}`);
      engine.health.check();
      return new WebGpuProgram(engine, list, steps, buffers, owned);
    } catch (error) {
      for (const buffer of owned) engine.ledger.destroy(buffer);
      throw error instanceof KernelError ? error : await engine.health.explain(error);
    }
  }

  run(feeds: Uint32Array, read: readonly number[]): Promise<ArrayBuffer>[] {
    this.#check(feeds);
    const lengths = read.map((id) => this.#lengthOf(id) * 4);
    const total = lengths.reduce((sum, bytes) => sum + bytes, 0);
    const { order, readback } = this.#engine;
    const copies = read.map(() => Promise.withResolvers<ArrayBuffer>());
    const ready = (): boolean => total === 0 || readback.hasRoom(total);
    if (order.idle && ready()) this.#submit(feeds, read, lengths, total, copies);
    else {
      const kept = feeds.slice();
      order.do(
        ready,
        () => this.#submit(kept, read, lengths, total, copies),
        (error) => {
          for (const copy of copies) copy.reject(error);
        },
      );
    }
    return copies.map((copy) => copy.promise);
  }

  #submit(
    feeds: Uint32Array,
    read: readonly number[],
    lengths: readonly number[],
    total: number,
    copies: readonly PromiseWithResolvers<ArrayBuffer>[],
  ): void {
    const { device, readback } = this.#engine;
    this.upload(feeds);
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (const step of this.#steps) encodeStep(pass, step, feeds);
    pass.end();
    const staging = total > 0 ? readback.take(total) : undefined;
    let offset = 0;
    for (const [i, id] of read.entries()) {
      const bytes = lengths[i]!;
      if (bytes > 0) encoder.copyBufferToBuffer(this.#buffers[id]!, 0, staging!, offset, bytes);
      offset += bytes;
    }
    device.queue.submit([encoder.finish()]);
    if (staging === undefined) {
      for (const copy of copies) copy.resolve(new ArrayBuffer(0));
      return;
    }
    readback.finish(staging, total).then(
      (bytes) => {
        let from = 0;
        for (const [i, copy] of copies.entries()) {
          const to = from + lengths[i]!;
          copy.resolve(copies.length === 1 ? bytes : bytes.slice(from, to));
          from = to;
        }
      },
      (error) => {
        for (const copy of copies) copy.reject(error);
      },
    );
  }

  async profile(feeds: Uint32Array): Promise<KernelTime[]> {
    this.#check(feeds);
    await this.#engine.idle();
    this.upload(feeds);
    const seconds = await profile(this.#engine, this.#steps, this.#list.kernels.length, feeds);
    return this.#list.kernels.map(({ label, kind }, i) => ({ label, kind, seconds: seconds[i]! }));
  }

  upload(feeds: Uint32Array): void {
    if (this.#feeds < 0 || feeds.length === 0) return;
    this.#engine.device.queue.writeBuffer(
      this.#buffers[this.#feeds]!,
      0,
      feeds.buffer as ArrayBuffer,
      feeds.byteOffset,
      feeds.byteLength,
    );
  }

  sources(): { label: string; text: string }[] {
    return this.#list.kernels.map(({ label }, i) => ({
      label,
      text: this.#steps
        .filter((step) => step.kernel === i)
        .map((step) => step.dispatch.wgsl)
        .join("\n"),
    }));
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    if (this.#engine.health.isDisposed) return;
    this.#engine.order.do(
      () => true,
      () => {
        for (const buffer of this.#owned) this.#engine.ledger.destroy(buffer);
        this.#engine.readback.trim();
      },
    );
  }

  #check(feeds: Uint32Array): void {
    if (this.#disposed) throw new DisposedError("The program was disposed; compile it again.");
    this.#engine.health.check();
    const expected = this.#feeds < 0 ? 0 : this.#list.buffers[this.#feeds]!.length;
    if (feeds.length === expected) return;
    throw new FeedError(`The feed buffer holds ${expected} elements, got ${feeds.length}.`);
  }

  #lengthOf(id: number): number {
    const spec = this.#list.buffers[id];
    if (spec === undefined) {
      throw new FeedError(`Buffer ${id} was asked for, but the program has ${this.#list.buffers.length}.`);
    }
    return spec.length;
  }
}

function hasParams({ params }: Dispatch): boolean {
  return params !== undefined && params.length > 0;
}

/** All dispatches' params in one uniform buffer, written once; gives the binding of dispatch number i. */
function uploadParams(
  engine: WebGpuEngine,
  dispatches: readonly Dispatch[],
  owned: GPUBuffer[],
): (i: number) => GPUBufferBinding {
  const align = engine.device.limits.minUniformBufferOffsetAlignment;
  const offsets: number[] = [];
  let bytes = 0;
  for (const { params = [] } of dispatches) {
    offsets.push(bytes);
    // whole vec4s, then the next offset that the device allows
    bytes = Math.ceil((bytes + Math.ceil(params.length / 4) * 16) / align) * align;
  }
  const sizeOf = (i: number) => Math.ceil((dispatches[i]!.params?.length ?? 0) / 4) * 16;
  if (bytes === 0) {
    return () => {
      throw new Error("no dispatch of this program has params");
    };
  }
  const buffer = engine.ledger.create(bytes, USAGE.uniform | USAGE.copyDst, "params");
  owned.push(buffer);
  const words = new Uint32Array(bytes / 4);
  dispatches.forEach(({ params = [] }, i) => {
    words.set(params, offsets[i]! / 4);
  });
  engine.device.queue.writeBuffer(buffer, 0, words);
  return (i) => ({ buffer, offset: offsets[i]!, size: sizeOf(i) });
}

/** False when this run has nothing for the step to do. */
export function encodeStep(pass: GPUComputePassEncoder, step: Step, feeds: Uint32Array): boolean {
  const { workgroups } = step.dispatch;
  const size: Workgroups | null = typeof workgroups === "function" ? workgroups(feeds) : workgroups;
  if (size === null) return false;
  pass.setPipeline(step.pipeline);
  pass.setBindGroup(0, step.group);
  pass.dispatchWorkgroups(size[0], size[1], size[2]);
  return true;
}
