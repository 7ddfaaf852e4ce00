// What `new-searcher` writes, and where it refuses to. That a copy installs, passes its tests and runs is in test/custom-searcher.test.ts.
import { afterAll, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { copyTemplate } from "../../src/parts/template.ts";
import { trimtab } from "../support/command.ts";

const root = mkdtempSync(join(tmpdir(), "trimtab-template-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

test("a copy has the name everywhere and links to what this command runs with", () => {
  const folder = join(root, "deep", "copy");
  const files = copyTemplate(folder, "first-try");
  expect(files).toEqual(
    [
      ".gitignore",
      "README.md",
      "package.json",
      "src/index.ts",
      "test/conformance.test.ts",
      "tsconfig.json",
    ].sort(),
  );
  const texts = files.map((file) => readFileSync(join(folder, file), "utf8"));
  for (const text of texts) expect(text).not.toContain("my-method");
  const manifest = JSON.parse(texts[files.indexOf("package.json")]!);
  expect(manifest.name).toBe("first-try");
  expect(readFileSync(join(folder, "src/index.ts"), "utf8")).toContain('name: "first-try"');
  for (const [name, at] of Object.entries<string>({
    ...manifest.dependencies,
    ...manifest.devDependencies,
  })) {
    const path = at.replace(/^link:/, "");
    expect([name, at.startsWith("link:"), existsSync(join(path, "package.json"))]).toEqual([
      name,
      true,
      true,
    ]);
  }
});

test("an empty folder will do, one that holds anything or is a file will not", () => {
  const empty = join(root, "empty");
  mkdirSync(empty);
  expect(copyTemplate(empty, "a").length).toBeGreaterThan(4);
  const full = join(root, "full");
  mkdirSync(full);
  writeFileSync(join(full, "mine.txt"), "");
  for (const at of [full, join(full, "mine.txt"), empty]) {
    expect(() => copyTemplate(at, "a")).toThrow(`${at}: is not an empty folder; name a new one.`);
  }
  expect(readdirSync(full)).toEqual(["mine.txt"]);
  const among = join(import.meta.dirname, "..", "..", "..", "copy-of-template");
  expect(() => copyTemplate(among, "a")).toThrow("lies among the packages of Trimtab itself");
  expect(existsSync(among)).toBe(false);
});

test("the versions in the template are those of this checkout", () => {
  const read = (path: string) => JSON.parse(readFileSync(join(import.meta.dirname, path), "utf8"));
  const wanted = read("../../templates/searcher/package.json");
  const ours = {
    ...read("../../package.json").dependencies,
    ...read("../../../../package.json").devDependencies,
  };
  for (const [name, version] of Object.entries({ ...wanted.dependencies, ...wanted.devDependencies })) {
    expect([name, version]).toEqual([name, ours[name]]);
  }
});

test.each([
  [["sseds"], "sseds: the name is taken by a method of Trimtab; choose another one with --name"],
  [["there", "--name", "a b"], "--name a b: a name has letters, digits"],
  [[], "missing required argument 'dir'"],
])(
  "%j is wrong use",
  async (args, words) => {
    const { code, err } = await trimtab(["new-searcher", ...args], { cwd: root });
    expect(code).toBe(2);
    expect(err).toContain(words);
  },
  60_000,
);
