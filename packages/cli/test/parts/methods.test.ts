// The registry: ours by name, modules from outside, labels; the same again from a list of URLs; and every refusal.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { shippedLooks } from "@trimtab/report";
import {
  allBaselines,
  defaultMethods,
  liveNames,
  loadMethods,
  methodNames,
} from "../../src/parts/methods.ts";
import { moduleUrl } from "../../src/parts/searcher-modules.ts";
import { writeSearcher } from "../support/searchers.ts";

const folder = mkdtempSync(join(tmpdir(), "trimtab-methods-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const refusal = (work: () => unknown) =>
  Promise.resolve()
    .then(work)
    .then(
      () => "no error",
      ({ name, message }: Error) => `${name}: ${message}`,
    );
const urlOf = (file: string, text: string) => {
  writeFileSync(join(folder, file), text);
  return pathToFileURL(join(folder, file)).href;
};

test("ours are all there, and every list names them", async () => {
  const { names, added } = await loadMethods();
  expect(names).toEqual(methodNames);
  expect(added).toEqual([]);
  for (const name of [...allBaselines, ...defaultMethods, ...liveNames]) expect(names).toContain(name);
  expect(new Set(names).size).toBe(names.length);
});

test("each of ours has a look of its own in reports", () => {
  expect(Object.keys(shippedLooks).sort()).toEqual(["base", ...methodNames].sort());
});

describe("a module from outside", () => {
  test("is loaded once, whatever it exports twice, and can be loaded again from its URL", async () => {
    const url = pathToFileURL(writeSearcher(folder, "mine.ts", "mine")).href;
    const methods = await loadMethods([url, url]);
    expect(methods.modules).toEqual([url]);
    expect(methods.added).toEqual(["mine"]);
    const searcher = methods.make("mine", { note: "a" });
    const again = (await loadMethods(methods.modules)).make(searcher.name, searcher.config);
    expect([again.name, again.config]).toEqual(["mine", { note: "a" }]);
    expect(await refusal(() => methods.make("mine", { nota: "a" }))).toContain('unknown key "nota"');
  });

  test("is found by path, by folder, by the name of a package, and by nothing else", async () => {
    // a folder of its own: Bun remembers what it saw in one that it has read
    const home = join(folder, "home");
    const deep = join(home, "inner", "deep");
    for (const name of ["node_modules/plain", "node_modules/@scope/pack", "empty", "inner/deep"]) {
      mkdirSync(join(home, name), { recursive: true });
    }
    const path = writeSearcher(home, "plain.js", "mine-js");
    for (const [written, from] of [
      ["./plain.js", home],
      ["plain.js", home],
      [path, folder],
    ] as const) {
      expect(moduleUrl(written, from)).toBe(pathToFileURL(path).href);
    }
    for (const name of ["plain", "@scope/pack"]) {
      const at = join(home, "node_modules", name);
      writeFileSync(join(at, "package.json"), JSON.stringify({ name, module: "entry.ts" }));
      const entry = pathToFileURL(writeSearcher(at, "entry.ts", "packed")).href;
      expect(moduleUrl(name, deep)).toBe(entry);
      expect(moduleUrl(`./node_modules/${name}`, home)).toBe(entry);
    }
    for (const name of ["./nowhere.ts", "nowhere", "@scope/nowhere", "/nowhere.ts"]) {
      expect(await refusal(() => moduleUrl(name, home))).toStartWith(
        `UsageError: searcher module ${name}: there is no such file, and no package of that name is installed in ${home}`,
      );
    }
    expect(await refusal(() => moduleUrl("empty", home))).toContain("is a folder without an entry");
  });

  test("without a searcher, or one that does not load, is refused with what was expected", async () => {
    const none = urlOf("none.ts", "export const helper = () => 1;\nexport const x = 2;\n");
    expect(await refusal(() => loadMethods([none]))).toMatch(
      /^UsageError: searcher module .*none\.ts: exports no searcher, only helper, x; expected .* made by `defineSearcher`/,
    );
    const broken = urlOf("broken.ts", 'throw new Error("out of order");\n');
    expect(await refusal(() => loadMethods([broken]))).toMatch(
      /broken\.ts: could not be loaded: out of order;/,
    );
  });

  test.each([
    ["sseds", "the name is taken by a method of Trimtab"],
    ["base", "the name is taken by the base model"],
    ["a,b", "a name has letters"],
    ["twice", "the name is taken by another searcher"],
  ])("cannot be called %s", async (name, why) => {
    const urls = ["one.ts", "two.ts"].map(
      (file) => pathToFileURL(writeSearcher(folder, `${name}-${file}`, name)).href,
    );
    const said = await refusal(() => loadMethods(urls));
    expect(said).toStartWith("UsageError: searcher module ");
    expect(said).toContain(`searcher "${name}": ${why}`);
  });
});

describe("a label", () => {
  test("is a name for a method with a configuration of its own", async () => {
    const methods = await loadMethods();
    const plain = methods.make("pep");
    const faithful = methods.make("pep-faithful", { use: "pep", mode: "faithful" });
    expect(faithful.name).toBe("pep-faithful");
    expect(faithful.config).toEqual({ ...(plain.config as object), use: "pep", mode: "faithful" });
    const again = methods.make(faithful.name, faithful.config);
    expect(again.config).toEqual(faithful.config);
  });

  test("is refused where it is taken, or uses what is not there", async () => {
    const methods = await loadMethods();
    expect(await refusal(() => methods.make("pep", { use: "sseds" }))).toContain(
      'label "pep" of method "sseds": the name is taken by a method of Trimtab',
    );
    expect(await refusal(() => methods.make("x", { use: "psp" }))).toContain(
      'unknown method "psp"; the methods are sseds',
    );
    expect(await refusal(() => methods.make("x", { use: 3 }))).toContain(
      '"use" is 3; give the name of a method',
    );
    expect(await refusal(() => methods.make("x"))).toContain('a label with "use" in the methods of --config');
    expect(await refusal(() => methods.make("x", { use: "pep", mode: "fast" }))).toStartWith("ConfigError: ");
  });
});
