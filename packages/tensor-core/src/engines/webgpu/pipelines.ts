/** Pipelines by their WGSL text. A bounded cache: programs hold on to the pipelines they use, the cache forgets the oldest. */
import { KernelError } from "../../errors.ts";
import type { DispatchBinding } from "./wgsl/dispatch.ts";

export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

const MOST_PIPELINES = 512;

export class PipelineCache {
  readonly #device: GPUDevice;
  readonly #pipelines = new Map<string, Promise<Pipeline>>();
  readonly #layouts = new Map<string, GPUBindGroupLayout>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** `params`: the text binds a uniform after its buffers. */
  get(wgsl: string, bindings: readonly DispatchBinding[], params: boolean, label: string): Promise<Pipeline> {
    const known = this.#pipelines.get(wgsl);
    if (known !== undefined) {
      this.#pipelines.delete(wgsl);
      this.#pipelines.set(wgsl, known);
      return known;
    }
    const made = this.#make(wgsl, bindings, params, label);
    this.#pipelines.set(wgsl, made);
    made.catch(() => this.#pipelines.delete(wgsl));
    for (const oldest of this.#pipelines.keys()) {
      if (this.#pipelines.size <= MOST_PIPELINES) break;
      this.#pipelines.delete(oldest);
    }
    return made;
  }

  async #make(
    wgsl: string,
    bindings: readonly DispatchBinding[],
    params: boolean,
    label: string,
  ): Promise<Pipeline> {
    const layout = this.#layout(bindings, params);
    const module = this.#device.createShaderModule({ code: wgsl, label });
    try {
      const pipeline = await this.#device.createComputePipelineAsync({
        label,
        layout: this.#device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: "main" },
      });
      return { pipeline, layout };
    } catch (error) {
      const { messages } = await module.getCompilationInfo().catch(() => ({ messages: [] }));
      throw new KernelError(kernelMessage(label, wgsl, messages, error));
    }
  }

  #layout(bindings: readonly DispatchBinding[], params: boolean): GPUBindGroupLayout {
    const key =
      bindings.map((binding) => (binding.access === "read" ? "r" : "w")).join("") + (params ? "u" : "");
    let layout = this.#layouts.get(key);
    if (layout === undefined) {
      layout = this.#device.createBindGroupLayout({
        entries: [
          ...bindings.map(
            ({ access }, binding): GPUBindGroupLayoutEntry => ({
              binding,
              visibility: 4,
              buffer: { type: access === "read" ? "read-only-storage" : "storage" },
            }),
          ),
          ...(params
            ? [{ binding: bindings.length, visibility: 4, buffer: { type: "uniform" as const } }]
            : []),
        ],
      });
      this.#layouts.set(key, layout);
    }
    return layout;
  }
}

function kernelMessage(
  label: string,
  wgsl: string,
  messages: readonly GPUCompilationMessage[],
  error: unknown,
): string {
  const found = messages
    .filter((message) => message.type === "error")
    .map((message) => `line ${message.lineNum}: ${message.message}`);
  if (found.length === 0) found.push(error instanceof Error ? error.message.trim() : String(error));
  const numbered = wgsl
    .split("\n")
    .map((line, i) => `${String(i + 1).padStart(4)}  ${line}`)
    .join("\n");
  return `Kernel "${label}" does not compile: ${found.join("; ")}\n${numbered}`;
}
