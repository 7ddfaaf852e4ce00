/** The webgpu engine: buffers, the order of work, and programs. */
import type { HostArray } from "../../dtype.ts";
import { BufferTooLarge, DisposedError } from "../../errors.ts";
import type { KernelList } from "../../kernels/ir.ts";
import type { Engine, EngineBuffer, EngineInfo, EngineMemory, EngineProgram } from "../engine.ts";
import { checkRange } from "../range.ts";
import { Health } from "./health.ts";
import { Ledger, paddedBytes, USAGE } from "./memory.ts";
import { Order } from "./order.ts";
import { PipelineCache } from "./pipelines.ts";
import { WebGpuProgram } from "./program.ts";
import { Readback } from "./readback.ts";

export class WebGpuBuffer implements EngineBuffer {
  readonly bytes: number;
  readonly label: string;
  readonly gpu: GPUBuffer;

  constructor(gpu: GPUBuffer, bytes: number, label: string) {
    this.gpu = gpu;
    this.bytes = bytes;
    this.label = label;
  }
}

const now = (): boolean => true;

export class WebGpuEngine implements Engine {
  readonly info: EngineInfo;
  readonly device: GPUDevice;
  readonly health: Health;
  readonly ledger: Ledger;
  readonly order = new Order();
  readonly readback: Readback;
  readonly pipelines: PipelineCache;
  readonly #live = new Set<EngineBuffer>();

  /** Lanes of a subgroup, where all are of one size. */
  readonly subgroupSize: number | undefined;

  constructor(device: GPUDevice, info: EngineInfo, subgroupSize?: number) {
    this.device = device;
    this.info = info;
    this.subgroupSize = subgroupSize;
    this.health = new Health(device, info.adapter);
    this.ledger = new Ledger(device);
    this.readback = new Readback(this.ledger, this.health, () => this.order.advance());
    this.pipelines = new PipelineCache(device);
    this.lost.catch((error) => this.order.abandon(error));
  }

  get lost(): Promise<never> {
    return this.health.lost;
  }

  allocate(bytes: number, label: string): WebGpuBuffer {
    this.health.check();
    const buffer = new WebGpuBuffer(this.storage(bytes, label), bytes, label);
    this.#live.add(buffer);
    return buffer;
  }

  /** A storage buffer of the engine's own, checked against the limits. */
  storage(bytes: number, label: string): GPUBuffer {
    const { adapter, maxBindingBytes } = this.info;
    if (bytes > maxBindingBytes) {
      throw new BufferTooLarge(
        `"${label}" needs ${bytes} bytes, but ${adapter} binds at most ${maxBindingBytes} bytes to a kernel; ` +
          "use a smaller dim, batch or table, or an adapter with a higher limit.",
      );
    }
    return this.ledger.create(paddedBytes(bytes), USAGE.storage | USAGE.copySrc | USAGE.copyDst, label);
  }

  free(buffer: EngineBuffer): void {
    if (this.health.isDisposed || !this.#live.delete(buffer)) return;
    const { gpu } = buffer as WebGpuBuffer;
    this.order.do(now, () => {
      this.ledger.destroy(gpu);
      this.readback.trim();
    });
  }

  write(buffer: EngineBuffer, data: HostArray, offset = 0): void {
    this.health.check();
    const { gpu } = this.owned(buffer);
    checkRange(buffer, offset, data.byteLength, "write");
    if (data.byteLength === 0) return;
    const send = (from: HostArray): void =>
      this.device.queue.writeBuffer(
        gpu,
        offset,
        from.buffer as ArrayBuffer,
        from.byteOffset,
        from.byteLength,
      );
    if (this.order.idle) send(data);
    else {
      const copy = data.slice();
      this.order.do(now, () => send(copy));
    }
  }

  async read(buffer: EngineBuffer, offset = 0, bytes = buffer.bytes - offset): Promise<ArrayBuffer> {
    this.health.check();
    const { gpu } = this.owned(buffer);
    checkRange(buffer, offset, bytes, "read");
    if (bytes === 0) return new ArrayBuffer(0);
    const { promise, resolve, reject } = Promise.withResolvers<ArrayBuffer>();
    this.order.do(
      () => this.readback.hasRoom(bytes),
      () => {
        const staging = this.readback.take(bytes);
        const encoder = this.device.createCommandEncoder();
        encoder.copyBufferToBuffer(gpu, offset, staging, 0, bytes);
        this.device.queue.submit([encoder.finish()]);
        resolve(this.readback.finish(staging, bytes));
      },
      reject,
    );
    return promise;
  }

  prepare(list: KernelList, variables: readonly EngineBuffer[]): Promise<EngineProgram> {
    this.health.check();
    return WebGpuProgram.prepare(
      this,
      list,
      variables.map((buffer) => this.owned(buffer).gpu),
    );
  }

  async idle(): Promise<void> {
    this.health.check();
    await new Promise<void>((resolve, reject) => this.order.do(now, resolve, reject));
    try {
      await this.device.queue.onSubmittedWorkDone();
    } catch (error) {
      throw await this.health.explain(error);
    }
    this.health.check();
  }

  memory(): EngineMemory {
    return { buffers: this.ledger.buffers, bytes: this.ledger.bytes };
  }

  dispose(): void {
    if (this.health.isDisposed) return;
    this.health.dispose();
    this.order.abandon(new DisposedError("The engine was disposed before this could run."));
    this.#live.clear();
    this.ledger.destroyAll();
    this.device.destroy();
  }

  /** The buffer as ours, if it still lives. */
  owned(buffer: EngineBuffer): WebGpuBuffer {
    if (this.#live.has(buffer)) return buffer as WebGpuBuffer;
    throw new DisposedError(`The buffer "${buffer.label}" was freed or belongs to another engine.`);
  }
}
