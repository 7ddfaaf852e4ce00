// A scheme whose ids share rows, from search to evaluation.
import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { loadScheme } from "@trimtab/embeddings";
import { must, trimtab } from "./support/command.ts";
import { dataset, freshFolder, QUICK } from "./support/data.ts";

setDefaultTimeout(60_000);

test("hashed-rows is searched, retrained and evaluated", async () => {
  const cwd = freshFolder();
  await must(["train", "--data", await dataset(), ...QUICK, "--run", "r"], { cwd });
  const search = ["search", "--run", "r", "--method", "hashed-rows", "--budget", "50%"];
  const found = await must([...search, "--set", "floor=4", "--set", "rule=modulo"], { cwd });
  expect(found.out).toMatch(/hashed: 4 fields, \d+ parameters, .*(49|50)\.\d% of uniform dim 8/);
  expect(found.out).toMatch(/user +\d+ of \d+ +8/);
  const scheme = loadScheme(join(cwd, "r", "schemes", "hashed-rows-50%.json"));
  expect(scheme.toJSON()).toMatchObject({ kind: "hashed", rule: "modulo", dim: 8 });
  const retrained = await must(["retrain", "--run", "r", "--budget", "50%", "--json"], { cwd });
  expect(JSON.parse(retrained.out).bytes.serve).toBe(scheme.serveBytes());
  const { out } = await must(["evaluate", "--run", "r", "--json"], { cwd });
  expect(out).toContain("hashed-rows");
  const wrong = await trimtab([...search, "--set", "rule=xor"], { cwd });
  expect(wrong.code).not.toBe(0);
  expect(wrong.err).toContain("rule");
});
