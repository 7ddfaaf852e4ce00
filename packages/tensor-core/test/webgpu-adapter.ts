/**
 * The webgpu engine's tests where there may be no adapter: they say so and are left out, but in CI (CI=true) that is a failure,
 * so that the engine can never go untested without anybody knowing.
 */
import { describe, test } from "bun:test";
import { requestAdapter } from "../src/engines/webgpu/gpu.ts";

/** Why there is no adapter, not even a software one; undefined where there is one. */
export const noAdapter = await requestAdapter({}).then(
  () => undefined,
  (error: Error) => error.message,
);

const inCi = /^(1|true)$/i.test(process.env.CI ?? "");

/** A `describe` of tests that need the webgpu engine. */
export function describeWebGpu(name: string, body: () => void): void {
  if (noAdapter === undefined) {
    describe(name, body);
  } else if (inCi) {
    test(name, () => {
      throw new Error(`In CI the webgpu engine must be tested: ${noAdapter}`);
    });
  } else {
    console.log(`not run: ${name} (webgpu). ${noAdapter}`);
    describe.skipIf(true)(name, body);
  }
}
