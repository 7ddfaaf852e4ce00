/** Whether the device is still there. Every call of the engine asks first; every read races against the loss. */
import { BufferTooLarge, DeviceLost, DisposedError, KernelError } from "../../errors.ts";

export class Health {
  readonly lost: Promise<never>;
  readonly #device: GPUDevice;
  #loss: DeviceLost | undefined;
  #failure: Error | undefined;
  #disposed = false;

  constructor(device: GPUDevice, adapter: string) {
    this.#device = device;
    this.lost = new Promise<never>((_, reject) => {
      device.lost.then((info) => {
        if (this.#disposed) return;
        const why = info.message.trim().split("\n")[0] || info.reason || "no reason given";
        this.#loss = new DeviceLost(
          `The device "${adapter}" was lost (${why}); open a new device and resume from the last checkpoint.`,
        );
        reject(this.#loss);
      });
    });
    // Nobody need listen: the loss also comes out of the next call.
    this.lost.catch(() => {});
    // Errors come late and belong to no call; the first one is thrown by the next call or read.
    device.onuncapturederror = (event) => {
      event.preventDefault();
      this.#failure ??= errorOf(event.error);
    };
  }

  /** Throws what is wrong, if anything is. */
  check(): void {
    if (this.#disposed) throw new DisposedError("The engine was disposed; open a new device.");
    if (this.#loss !== undefined) throw this.#loss;
    if (this.#failure !== undefined) {
      const failure = this.#failure;
      this.#failure = undefined;
      throw failure;
    }
  }

  /** What a failed wait on the device means: its loss where it is lost, else the error itself. */
  async explain(error: unknown): Promise<unknown> {
    if (this.#disposed) return new DisposedError("The engine was disposed while a read was under way.");
    // The refusal of a map may come before the news of the loss.
    await Promise.race([this.#device.lost, new Promise((resolve) => setTimeout(resolve, 100))]);
    return this.#loss ?? this.#failure ?? error;
  }

  get isDisposed(): boolean {
    return this.#disposed;
  }

  dispose(): void {
    this.#disposed = true;
    this.#device.onuncapturederror = null;
  }
}

function errorOf(error: GPUError): Error {
  const message = error.message.trim();
  if (error.constructor.name === "GPUOutOfMemoryError") {
    return new BufferTooLarge(
      `The device has no memory left (${message}); use smaller tables or a smaller batch.`,
    );
  }
  return new KernelError(`WebGPU refused a command: ${message}`);
}
