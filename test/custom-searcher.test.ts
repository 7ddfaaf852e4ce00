// docs/custom-searcher.md is done to the letter: its code is the template's, its commands run one after another in an empty folder
// outside of the checkout, as a reader would type them. (Its TypeScript blocks are run by readme.test.ts.)
import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { blocksOf, examplesOf } from "./examples.ts";
import { root, textOf } from "./tree.ts";

const GUIDE = "docs/custom-searcher.md";
const TEMPLATE = "packages/cli/templates/searcher";
const guide = textOf(GUIDE);

describe("the guide shows", () => {
  const examples = examplesOf(guide).map(({ code }) => code);

  test.each(["src/index.ts", "test/conformance.test.ts"])("%s of the template, to the letter", (file) => {
    expect(examples).toContain(textOf(`${TEMPLATE}/${file}`));
  });

  test("every promise of the conformance suite, in its words", () => {
    const source = textOf("packages/search-core/src/conformance.ts");
    const promises = [...source.matchAll(/\{ name: "(.+)", run: /g)].map((match) => match[1]!);
    expect(promises.length).toBeGreaterThan(5);
    expect(guide).toContain(promises.map((promise) => `- ${promise}\n`).join(""));
  });
});

describe("the commands of the guide", () => {
  const folder = mkdtempSync(join(tmpdir(), "trimtab-guide-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const own = join(folder, "my-method");
  const home = join(folder, "runs", "mine");

  test("run in an empty folder outside of the checkout", async () => {
    // the two commands that the guide speaks of
    const bin = join(folder, "bin");
    mkdirSync(bin);
    const main = join(root, "packages/cli/src/main.ts");
    for (const [name, args] of [
      ["trimtab", [process.execPath, main]],
      ["bun", [process.execPath]],
    ] as const) {
      writeFileSync(join(bin, name), `#!/bin/sh\nexec ${args.map((arg) => `'${arg}'`).join(" ")} "$@"\n`);
      chmodSync(join(bin, name), 0o755);
    }
    writeFileSync(join(folder, "settings.json"), blocksOf(guide, "json").join(""));
    const child = Bun.spawn(["sh", "-ec", blocksOf(guide, "sh").join("")], {
      cwd: folder,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ""}`, NO_COLOR: "1" },
    });
    const [code, out, err] = await Promise.all([
      child.exited,
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    if (code !== 0) throw new Error(`the commands of ${GUIDE} ended with exit code ${code}\n${out}${err}`);
    // bun test tells its counts on stderr
    expect(err).toMatch(/\b8 pass\n\s*0 fail\n/);
    expect(out).toMatch(/my-method at 20% (is ahead of|does not beat)/);
    expect(out).toMatch(/my-method-generous at 20% (is ahead of|does not beat)/);
  }, 120_000);

  test("left a package that stands alone, linked to this checkout", () => {
    const manifest = JSON.parse(readFileSync(join(own, "package.json"), "utf8"));
    expect(manifest.dependencies["@trimtab/search-core"]).toBe(`link:${join(root, "packages/search-core")}`);
    expect(existsSync(join(own, "node_modules/@trimtab/search-core/src/index.ts"))).toBe(true);
    expect(textOf(`${TEMPLATE}/src/index.ts`)).toBe(readFileSync(join(own, "src/index.ts"), "utf8"));
  });

  test("left rows within the budgets, each computed once", () => {
    const lines = readFileSync(join(home, "results.jsonl"), "utf8").trimEnd().split("\n");
    const rows = lines.map((line) => JSON.parse(line));
    const names = rows.map(({ method, budget }) => `${method} ${budget}`);
    // models of one command are trained side by side, and whichever is done first has the first row
    expect([names.slice(0, 1), names.slice(1, 3).sort(), names.slice(3).sort()]).toEqual([
      ["base null"],
      ["my-method 20%", "smaller-dim 20%"],
      ["dims-by-size 20%", "my-method-generous 20%"],
    ]);
    for (const { method, bytes, config } of rows.slice(1)) {
      expect([method, bytes.serve <= bytes.uniform * 0.2]).toEqual([method, true]);
      if (method === "my-method") expect(config.search).toEqual({ thrift: 0.5 });
      if (method === "my-method-generous") expect(config.search).toEqual({ use: "my-method", thrift: 0 });
    }
    // what the guide says of notes
    const notes = JSON.parse(readFileSync(join(home, "notes", "my-method-seed-1.json"), "utf8"));
    expect(Object.values<number>(notes.notes.bits).every((bits) => bits > 0)).toBe(true);
  });

  test("left a report that speaks of it", () => {
    for (const page of [join(folder, "report.html"), join(home, "report.html")]) {
      expect(readFileSync(page, "utf8")).toMatch(
        /my-method-generous at 20% (is ahead|is not told apart|is behind)/,
      );
    }
    expect(readFileSync(join(folder, "rows.csv"), "utf8")).toMatch(
      /^my-method-generous,|,my-method-generous,/m,
    );
  });
});
