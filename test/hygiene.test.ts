// What must not be in the repository: one machine's paths and mirrors, large files, second lockfiles, loose ends.
// The forbidden words are put together from parts here, so that this file does not contain them.
import { describe, expect, test } from "bun:test";
import { basename, join } from "node:path";
import { root, textOf, trackedFiles } from "./tree.ts";

const files = trackedFiles();
const texts = files
  .filter((path) => !/\.(png|jpg|jpeg|gif|ico|woff2?|parquet|wasm|safetensors|bin|gz)$/.test(path))
  .map((path) => ({ path, lines: textOf(path).split("\n") }));

/** "path:line: text" of every line that matches. */
function linesWith(pattern: RegExp, among = texts): string[] {
  return among.flatMap(({ path, lines }) =>
    lines.flatMap((line, i) =>
      pattern.test(line) ? [`${path}:${i + 1}: ${line.trim().slice(0, 120)}`] : [],
    ),
  );
}

const anyOf = (...words: string[][]) => words.map((parts) => parts.join("")).join("|");

test("there are files to look at", () => {
  expect(files).toContain("package.json");
  expect(files.length).toBeGreaterThan(10);
});

describe("no traces of one machine", () => {
  test("no host names of package registries or mirrors", () => {
    const hosts = anyOf(
      ["registry\\.", "(npmjs|yarnpkg|npmmirror)\\."],
      ["(deb|security|snapshot|archive)\\.", "(debian|ubuntu)\\.(org|com)"],
      ["(pypi|pythonhosted)\\.", "org"],
      ["(artifactory|nexus|verdaccio)", "[.:/]"],
    );
    expect(linesWith(new RegExp(hosts, "i"))).toEqual([]);
  });

  test("the lockfile and the configuration name no host at all", () => {
    const among = texts.filter(({ path }) => /(^|\/)(bun\.lock|bunfig\.toml|\.npmrc)$/.test(path));
    expect(among.length).toBeGreaterThan(1);
    expect(linesWith(/https?:\/\//, among)).toEqual([]);
  });

  test("no absolute paths", () => {
    const paths = anyOf(["/wo", "rk"], ["/ro", "ot"], ["/ho", "me"], ["/Us", "ers"]);
    expect(linesWith(new RegExp(`(^|[\\s"'\`(=:,<>])(${paths})(/|\\b(?![\\w-]))`))).toEqual([]);
  });
});

test("no file over 1 MB", () => {
  expect(files.filter((path) => Bun.file(join(root, path)).size > 1_000_000)).toEqual([]);
});

test("bun.lock is the only lockfile", () => {
  const locks =
    /^(package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?|deno\.lock)$/;
  expect(files.filter((path) => locks.test(basename(path)))).toEqual(["bun.lock"]);
});

test("no loose ends", () => {
  const words = anyOf(["TO", "DO"], ["FIX", "ME"], ["XX", "X"], ["HA", "CK"]);
  expect(linesWith(new RegExp(`\\b(${words})\\b`))).toEqual([]);
});

test("no conflict markers", () => {
  expect(linesWith(/^(<{7}|>{7}) /)).toEqual([]);
});

test("no test is switched off, none keeps others from running", () => {
  const among = texts.filter(({ path }) => /\.test\.\w+$/.test(path));
  const off = anyOf(["\\.sk", "ip\\("], ["\\.to", "do\\("], ["\\.on", "ly\\("]);
  expect(linesWith(new RegExp(`\\b(test|it|describe)(${off})`), among)).toEqual([]);
});
