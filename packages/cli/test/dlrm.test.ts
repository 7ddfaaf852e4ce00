// DLRM from the command line: which fields its bottom tower reads, and a search and a comparison of it.
import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { must, trimtab } from "./support/command.ts";
import { dataset, freshFolder } from "./support/data.ts";

setDefaultTimeout(60_000);
const SMALL = [
  "--model",
  "dlrm",
  "--dim",
  "4",
  "--hidden",
  "8",
  "--batch",
  "200",
  "--epochs",
  "2",
  "--std",
  "0.1",
];

/** A dataset with a numeric field. */
async function priced(cwd: string): Promise<string> {
  const fields = [{ name: "user" }, { name: "item" }, { name: "price", kind: "numeric" }];
  writeFileSync(join(cwd, "schema.json"), JSON.stringify({ label: "click", fields }));
  const rows = Array.from(
    { length: 2000 },
    (_, i) => `${(i * 7) % 3 === 0 ? 1 : 0},u${i % 9},i${i % 14},${(i * 31) % 90}`,
  );
  writeFileSync(join(cwd, "clicks.csv"), `click,user,item,price\n${rows.join("\n")}\n`);
  await must(["prepare", "clicks.csv", "--out", "clicks.trimtab"], { cwd });
  return join(cwd, "clicks.trimtab");
}

const modelOf = (run: string) => JSON.parse(readFileSync(join(run, "config.json"), "utf8")).model;

test("the bottom tower reads the numeric fields, others, or there is none; a resumed run keeps what it had", async () => {
  const cwd = freshFolder();
  const data = await priced(cwd);
  const start = ["train", "--data", data, ...SMALL];
  await must([...start, "--bottom", "6", "--run", "numeric"], { cwd });
  expect(modelOf(join(cwd, "numeric"))).toMatchObject({ kind: "dlrm", dense: ["price"], bottom: [6] });
  await must(["train", "--run", "numeric", "--resume"], { cwd });
  await must([...start, "--dense", "user,price", "--run", "both"], { cwd });
  expect(modelOf(join(cwd, "both")).dense).toEqual(["user", "price"]);
  await must([...start, "--no-dense", "--run", "none"], { cwd });
  expect(modelOf(join(cwd, "none")).dense).toEqual([]);
  const wrong = await trimtab([...start, "--dense", "cost", "--run", "wrong"], { cwd });
  expect(wrong.code).toBe(2);
  expect(wrong.err).toContain('no field "cost"; the fields are user, item, price');
});

test("layers for a bottom tower that has nothing to read are refused", async () => {
  const cwd = freshFolder();
  const args = ["train", "--data", await dataset(), ...SMALL, "--run", "r"];
  const { code, err } = await trimtab([...args, "--bottom", "6"], { cwd });
  expect(code).toBe(2);
  expect(err).toContain("the data has no numeric field; name fields with --dense");
  await must(args, { cwd });
  expect(modelOf(join(cwd, "r")).dense).toEqual([]);
});

test("methods are compared on it", async () => {
  const cwd = freshFolder();
  const methods = ["sseds", "dims-by-size", "magnitude", "smaller-dim"];
  const out = await must(
    [
      "compare",
      "--data",
      await priced(cwd),
      ...SMALL,
      "--methods",
      methods.join(),
      "--budgets",
      "50%",
      "--run",
      "r",
      "--json",
    ],
    { cwd },
  );
  const { rows } = JSON.parse(out.out) as {
    rows: { method: string; model: string; bytes: Record<string, number> }[];
  };
  expect(rows.map((row) => row.method)).toEqual(["base", ...methods]);
  expect(rows[0]!.model).toBe("dlrm d4 bottom 64-32 8");
  for (const { bytes } of rows.slice(1)) expect(bytes.serve!).toBeLessThanOrEqual(bytes.uniform! / 2);
});
