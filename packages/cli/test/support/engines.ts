// Tests that need a certain engine, and environments in which engines are chosen.
import { test } from "bun:test";
import { openDevice } from "@trimtab/tensor-core";

/** As if TRIMTAB_ENGINE had never been set. */
export const free = { TRIMTAB_ENGINE: "" };
/** No Vulkan driver can be found; only on Linux can one be hidden. */
export const hidden = { ...free, VK_ICD_FILENAMES: "/none.json", VK_DRIVER_FILES: "/none.json" };

/** Why webgpu cannot be tested here; undefined where it can. */
export const missing = await openDevice({ engine: "webgpu" }).then(
  (device) => device.dispose(),
  (error: Error) => error.message,
);

/** A test of the webgpu engine; without an adapter it says that it is left out, but in CI (CI=true) that is a failure. */
export function withAdapter(name: string, body: () => Promise<void>): void {
  if (missing === undefined) {
    test(name, body);
  } else if (/^(1|true)$/i.test(process.env.CI ?? "")) {
    test(name, () => {
      throw new Error(`In CI the webgpu engine must be tested: ${missing}`);
    });
  } else {
    console.log(`not run: ${name}. ${missing}`);
    test.skipIf(true)(name, body);
  }
}
