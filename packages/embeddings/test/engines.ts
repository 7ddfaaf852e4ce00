/** One body of tests on each engine. Where there is no adapter for webgpu they say so and are left out; in CI that is a failure. */
import { describe, test } from "bun:test";
import { type EngineName, openDevice } from "@trimtab/tensor-core";

const noAdapter = await openDevice({ engine: "webgpu" }).then(
  (device) => {
    device.dispose();
    return undefined;
  },
  (error: Error) => error.message,
);

const inCi = /^(1|true)$/i.test(process.env.CI ?? "");

export function onEachEngine(body: (engine: EngineName) => void): void {
  describe("cpu", () => body("cpu"));
  if (noAdapter === undefined) describe("webgpu", () => body("webgpu"));
  else if (inCi) {
    test("webgpu", () => {
      throw new Error(`In CI the webgpu engine must be tested: ${noAdapter}`);
    });
  } else {
    console.log(`not run: webgpu. ${noAdapter}`);
    describe.skipIf(true)("webgpu", () => body("webgpu"));
  }
}
