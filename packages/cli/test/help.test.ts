// What the command says of itself, and what it says to a misspelt line.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { trimtab } from "./support/command.ts";
import { freshFolder } from "./support/data.ts";

setDefaultTimeout(60_000);
const VERBS = [
  "doctor",
  "prepare",
  "generate",
  "train",
  "search",
  "retrain",
  "evaluate",
  "compare",
  "export",
  "report",
  "new-searcher",
  "demo",
];
const cwd = freshFolder();

describe.each(VERBS)("%s", (verb) => {
  test("has --help with an example and --json", async () => {
    const { code, out } = await trimtab([verb, "--help"], { cwd });
    expect(code).toBe(0);
    expect(out).toContain("--json");
    expect(out).toMatch(new RegExp(`Example:\\n {2}trimtab ${verb}`));
  });
});

test("without a verb it lists them and is not a success", async () => {
  const { code, err } = await trimtab([], { cwd });
  expect(code).toBe(2);
  for (const verb of VERBS) expect(err).toContain(verb);
});

test("help VERB is VERB --help", async () => {
  const [a, b] = await Promise.all([
    trimtab(["help", "train"], { cwd }),
    trimtab(["train", "--help"], { cwd }),
  ]);
  expect(a).toEqual(b);
});

test.each([
  [["trian"], "Did you mean train?"],
  [["train", "--run", "r", "--batchsize", "5"], "unknown option '--batchsize'"],
  [["train", "--model", "fm"], "'--run <dir>' not specified"],
  [["train", "--model", "gbdt", "--run", "r"], "Allowed choices are lr, fm, dnn, widedeep, deepfm, dlrm"],
  [["generate", "--rows", "many", "--out", "o"], "Give a whole number from 1 up"],
  [["compare", "--seeds", "1,,2", "--run", "r"], "Give values between commas"],
  [["train", "--lr", "-1", "--run", "r"], "Give a number above 0"],
])("%j is wrong use", async (args, words) => {
  const { code, out, err } = await trimtab(args, { cwd });
  expect(code).toBe(2);
  expect(out).toBe("");
  expect(err).toContain(words);
});
