import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { z } from "zod";
import {
  conformanceChecks,
  defineSearcher,
  dimsBySize,
  hashedRows,
  magnitude,
  randomDims,
  smallerDim,
  smallerDimProjected,
} from "../src/index.ts";
import { openTiny, type Tiny } from "./tiny-task.ts";

let tiny: Tiny;
beforeAll(async () => {
  tiny = await openTiny();
});
afterAll(() => tiny.close());

const subject = (searcher: unknown) => ({
  searcher: searcher as never,
  device: tiny.device,
  makeTask: tiny.makeTask,
  makeFolder: tiny.makeFolder,
});

for (const searcher of [smallerDim, smallerDimProjected, dimsBySize, randomDims, hashedRows, magnitude]) {
  describe(searcher.searcherName, () => {
    let one: ReturnType<typeof subject>;
    beforeAll(() => {
      one = subject(searcher);
    });
    for (const check of conformanceChecks) test(check.name, () => check.run(one));
  });
}

describe("a searcher that breaks its promises", () => {
  let calls = 0;
  const broken = defineSearcher({
    name: "broken",
    config: z.looseObject({}),
    check: () => undefined,
    // over the budget, different each time, and it keeps a buffer
    run: async (task, limits) => {
      tiny.device.variable(`kept ${calls++}`, [1]);
      return { found: limits.map((l) => ({ budget: l.text, scheme: task.uniform })), notes: {} };
    },
  });

  test("is caught", async () => {
    const failed: string[] = [];
    for (const check of conformanceChecks) {
      await check.run(subject(broken)).catch(() => failed.push(check.name));
    }
    expect(failed).toContain("meets every budget it accepts");
    expect(failed).toContain("leaves no buffers behind");
    expect(failed).toContain("refuses an unknown configuration key by name");
  });
});
