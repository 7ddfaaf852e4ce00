/** An adapter that answers every call and computes nothing must be refused. */
import { expect, test } from "bun:test";
import { create, globals } from "webgpu";
import { openWebGpu } from "../../../src/engines/webgpu/open.ts";
import { NoAdapterError } from "../../../src/errors.ts";

test("Dawn's null backend fails the self-test", async () => {
  Object.assign(globalThis, globals);
  const gpu = create(["backend=null"]);
  // Collected, the object takes the process with it.
  Object.assign(globalThis, { trimtabNullGpu: gpu });
  Object.defineProperty(navigator, "gpu", { value: gpu, configurable: true });
  try {
    const error = await openWebGpu().catch((e: unknown) => e);
    expect(error).toBeInstanceOf(NoAdapterError);
    expect((error as Error).message).toContain("does not compute");
  } finally {
    Reflect.deleteProperty(navigator, "gpu");
  }
});
