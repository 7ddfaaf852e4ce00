// A generated log whose popularity drifts, from the command line to a dataset that is split by time.
import { expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync } from "node:fs";
import { must, trimtab } from "./support/command.ts";
import { freshFolder } from "./support/data.ts";

setDefaultTimeout(60_000);

test("generate --drift --features, then prepare", async () => {
  const cwd = freshFolder();
  const size = ["--rows", "4000", "--features", "5000", "--format", "parquet"];
  const made = await must(["generate", ...size, "--drift", "2", "--out", "log", "--json"], { cwd });
  const { truth } = JSON.parse(made.out) as { truth: { drift: number; fields: { values: number }[] } };
  expect(truth.drift).toBe(2);
  expect(truth.fields.reduce((n, { values }) => n + values, 0)).toBe(5000);
  const prepared = await must(["prepare", "log", "--out", "log.trimtab", "--json"], { cwd });
  expect(JSON.parse(prepared.out)).toMatchObject({ manifest: { synthetic: true, split: { by: "time" } } });
});

test("a drift or a size that cannot be is refused, and nothing is written", async () => {
  const cwd = freshFolder();
  const start = ["generate", "--rows", "100", "--out", "log"];
  const negative = await trimtab([...start, "--drift", "-1"], { cwd });
  expect([negative.code, negative.err]).toEqual([2, expect.stringContaining("Give a number from 0 up")]);
  const much = await trimtab([...start, "--drift", "1000"], { cwd });
  expect(much.code).not.toBe(0);
  expect(much.err).toContain("drift is 1000");
  const few = await trimtab([...start, "--features", "100"], { cwd });
  expect(few.code).not.toBe(0);
  expect(few.err).toContain("from 560 up");
  expect(readdirSync(cwd)).toEqual([]);
});
