/** Every GPU buffer the engine makes, counted. */

export class Ledger {
  readonly #device: GPUDevice;
  readonly #live = new Map<GPUBuffer, number>();
  #bytes = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  get buffers(): number {
    return this.#live.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  create(size: number, usage: number, label: string): GPUBuffer {
    const buffer = this.#device.createBuffer({ size, usage, label });
    this.#live.set(buffer, size);
    this.#bytes += size;
    return buffer;
  }

  destroy(buffer: GPUBuffer): void {
    const size = this.#live.get(buffer);
    if (size === undefined) return;
    this.#live.delete(buffer);
    this.#bytes -= size;
    buffer.destroy();
  }

  destroyAll(): void {
    for (const buffer of [...this.#live.keys()]) this.destroy(buffer);
  }
}

/** Usage bits as numbers: GPUBufferUsage is not a global before the first adapter is asked for. */
export const USAGE = {
  mapRead: 1,
  copySrc: 4,
  copyDst: 8,
  uniform: 64,
  storage: 128,
  queryResolve: 512,
} as const;

/** Bytes of a storage buffer: whole vec4s, and never none. */
export function paddedBytes(bytes: number): number {
  return Math.max(16, Math.ceil(bytes / 16) * 16);
}
