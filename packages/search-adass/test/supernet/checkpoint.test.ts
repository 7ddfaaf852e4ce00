// Two processes that train one supernet in one folder, one behind the other.
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDevice } from "@trimtab/tensor-core";
import { Checkpoint } from "../../src/supernet/checkpoint.ts";

const root = mkdtempSync(join(tmpdir(), "trimtab-adass-checkpoint-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

test("one that is behind takes nothing from one that goes on with later weights", async () => {
  using device = await openDevice({ engine: "cpu" });
  const w = device.variable("w", [2]);
  const weights = new Map([["w", w]]);
  const [ahead, behind] = [new Checkpoint(root, "s"), new Checkpoint(root, "s")];
  const saveBest = async (checkpoint: Checkpoint, epoch: number) => {
    w.write(Float32Array.of(epoch, -epoch));
    await checkpoint.saveBest(weights, epoch);
  };
  await saveBest(ahead, 2);
  await saveBest(behind, 2);
  await saveBest(ahead, 5);
  await saveBest(behind, 3);
  ahead.loadBest(weights, 5);
  expect([...(await w.read())]).toEqual([5, -5]);
  // what neither can want again is gone
  expect(readdirSync(join(root, "adass-s")).sort()).toEqual(["best-3.safetensors", "best-5.safetensors"]);
});
