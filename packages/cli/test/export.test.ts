// `trimtab export` on a tiny generated log, as a person would type it.
import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readFolder } from "@trimtab/export";
import { must, trimtab } from "./support/command.ts";
import { freshFolder, trainedRun } from "./support/data.ts";

setDefaultTimeout(300_000);

test("a retrained model becomes a folder with ONNX, and says what was tested", async () => {
  const run = await trainedRun();
  const cwd = freshFolder();
  await must(["search", "--run", run, "--method", "magnitude", "--budget", "45%"], { cwd });
  await must(["retrain", "--run", run, "--method", "magnitude", "--budget", "45%"], { cwd });

  const args = [
    "export",
    "--run",
    run,
    "--budget",
    "45%",
    "--method",
    "magnitude",
    "--out",
    "small",
    "--onnx",
  ];
  const done = await must([...args, "--precision", "int8"], { cwd });
  expect(done.out).toContain("magnitude-45%: fm, elements scheme, on small (synthetic)");
  expect(done.out).toMatch(
    /self-test passed on 200 validation rows: .*, onnxruntime 1\.\S+ beside it by up to/,
  );
  expect(done.out).toMatch(/validation AUC 0\.\d{5} before, 0\.\d{5} after \(cost -?0\.\d{5}\)/);
  expect(done.out).toContain("no configs/torchrec.json: TorchRec: rows of a field keep different numbers");
  const manifest = readFolder(join(cwd, "small"));
  expect(manifest.run).toMatchObject({ method: "magnitude", budget: "45%" });
  expect(manifest.bytes.embeddings).toBeLessThan(manifest.scheme.serveBytes);
  expect(manifest.dataset.synthetic).toBe(true);

  const taken = await trimtab(args, { cwd });
  expect(taken.code).toBe(1);
  expect(taken.err).toContain("an exported model is there; replace it with --force");
  // in place of it, the base model, whole
  const again = await must(["export", "--run", run, "--out", "small", "--force", "--json"], { cwd });
  const { name, manifest: told } = JSON.parse(again.out);
  expect(name).toBe("base");
  expect(told.selfTest.reloaded.largest).toBe(0);
  expect(told.command).toContain("trimtab export --run");
  expect(existsSync(join(cwd, "small", "configs", "torchrec.json"))).toBe(true);
});

test("a model that is not there is named, with those that are", async () => {
  const run = await trainedRun();
  const cwd = freshFolder();
  const none = await trimtab(["export", "--run", run, "--budget", "3%", "--out", "none"], { cwd });
  expect(none.code).toBe(1);
  expect(none.err).toMatch(/no trained model for budget 3%; there are .*base/);
  const both = await trimtab(["export", "--run", run, "--name", "base", "--budget", "3%", "--out", "none"], {
    cwd,
  });
  expect(both.code).toBe(2);
  expect(existsSync(join(cwd, "none"))).toBe(false);
});
