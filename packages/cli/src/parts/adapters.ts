/** The WebGPU adapters of this machine, by name. */
import { NoAdapterError, openDevice } from "@trimtab/tensor-core";

export interface ListedAdapter {
  readonly name: string;
  /** "vulkan", "metal", "d3d12", ... */
  readonly backend: string;
}

/** No adapter has this in its name. */
const NOBODY = "no adapter has this name";

/**
 * WebGPU has no list of adapters, but the binding lists them in the reason why a name was not found. Empty where it does not.
 */
export async function listAdapters(): Promise<ListedAdapter[]> {
  try {
    using _ = await openDevice({ adapter: NOBODY });
    return [];
  } catch (reason) {
    if (!(reason instanceof NoAdapterError)) throw reason;
    const text = reason.cause instanceof Error ? reason.cause.message : "";
    return [...text.matchAll(/backend: '([^']*)', name: '([^']*)'/g)].map(([, backend, name]) => ({
      name: name!,
      backend: backend!,
    }));
  }
}
