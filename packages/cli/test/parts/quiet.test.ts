// What drivers say while a device opens is left out; what anything else says is not.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { meant } from "../../src/parts/quiet.ts";

test("warnings of native code and their stacks are noise", () => {
  const noise =
    "Warning: vkCreateInstance failed with VK_ERROR_INCOMPATIBLE_DRIVER\n" +
    "    at CheckVkSuccessImpl (/build/dawn/src/dawn/native/vulkan/VulkanError.cpp:106)\n\n";
  expect(meant(noise)).toBe("");
  expect(meant(`${noise}error: it burns\n`)).toBe("error: it burns\n");
});

test("standard error is as it was afterwards", () => {
  const quiet = join(import.meta.dirname, "..", "..", "src", "parts", "quiet.ts");
  const code = `
    import { writeSync } from "node:fs";
    import { withQuietDriver } from ${JSON.stringify(quiet)};
    await withQuietDriver(async () => writeSync(2, "Warning: a driver\\nmeant\\n"));
    await withQuietDriver(async () => { throw new Error("no device"); }).catch((e) => writeSync(2, e.message + "\\n"));
    writeSync(2, "after\\n");`;
  const { stderr, exitCode } = Bun.spawnSync([process.execPath, "-e", code]);
  expect(exitCode).toBe(0);
  const said = stderr.toString();
  expect(said).toContain("meant\nno device\nafter\n");
  if (process.platform === "linux") expect(said).not.toContain("a driver");
});
