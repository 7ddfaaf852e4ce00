// The code in the READMEs and guides is run, not trusted. Each ```ts block is a program of its own; one marked ```ts no-run is
// left out and must say why: ```ts no-run: needs a Parquet file of yours
import { describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { examplesOf } from "./examples.ts";
import { packageNames, root, textOf } from "./tree.ts";

// The examples of the root README and of the guides run beside the cli, which has every package at hand.
const readmes = [
  { readme: "README.md", home: "packages/cli" },
  { readme: "docs/custom-searcher.md", home: "packages/cli" },
  ...packageNames.map((name) => ({ readme: `packages/${name}/README.md`, home: `packages/${name}` })),
];

describe.each(readmes)("$readme", ({ readme, home }) => {
  const there = existsSync(join(root, readme));
  const examples = there ? examplesOf(textOf(readme)) : [];

  test("is there", () => expect(there).toBe(true));
  if (readme !== "README.md") {
    test("has an example that runs", () => {
      expect(examples.filter((example) => example.reason === undefined).length).toBeGreaterThan(0);
    });
  }

  for (const { line, code, reason } of examples) {
    if (reason !== undefined) {
      test(`the block at line ${line} says why it is not run`, () => {
        console.log(`${readme}:${line} is not run: ${reason}`);
        expect(reason).not.toBe("");
      });
      continue;
    }
    test(`the example at line ${line} runs`, async () => {
      // Inside the package, so that its imports resolve as they do for the package itself.
      const folder = mkdtempSync(join(root, home, ".readme-"));
      try {
        writeFileSync(join(folder, ".gitignore"), "*\n");
        writeFileSync(join(folder, "example.ts"), code);
        const child = Bun.spawn([process.execPath, "example.ts"], {
          cwd: folder,
          stdin: "ignore",
          stdout: "pipe",
          stderr: "pipe",
          env: { ...process.env, NO_COLOR: "1" },
        });
        const [code_, out, err] = await Promise.all([
          child.exited,
          new Response(child.stdout).text(),
          new Response(child.stderr).text(),
        ]);
        if (code_ !== 0) throw new Error(`${readme}:${line} ended with exit code ${code_}\n${out}${err}`);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }, 120_000);
  }
});

test("the examples that run pass the type checker too", async () => {
  const folders: string[] = [];
  try {
    const files = readmes.flatMap(({ readme, home }) => {
      if (!existsSync(join(root, readme))) return [];
      const folder = mkdtempSync(join(root, home, ".readme-"));
      folders.push(folder);
      writeFileSync(join(folder, ".gitignore"), "*\n");
      return examplesOf(textOf(readme)).flatMap(({ line, code, reason }) => {
        if (reason !== undefined) return [];
        const file = join(folder, `line-${line}.ts`);
        writeFileSync(file, `${code}export {};\n`);
        return [file];
      });
    });
    const config = join(folders[0]!, "tsconfig.json");
    writeFileSync(config, JSON.stringify({ extends: join(root, "tsconfig.base.json"), files }));
    const tsc = Bun.spawn([process.execPath, "x", "tsc", "-p", config], {
      cwd: root,
      stdout: "pipe",
      stderr: "inherit",
    });
    const [said, exit] = await Promise.all([new Response(tsc.stdout).text(), tsc.exited]);
    // Mistakes in the packages themselves are the types step's to tell.
    expect(said.split("\n").filter((line) => line.includes(".readme-"))).toEqual([]);
    if (said === "") expect(exit).toBe(0);
  } finally {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  }
}, 120_000);

test("blocks are found, with their marks", () => {
  const markdown =
    "# x\n```ts\nlet a;\n```\n```sh\nls\n```\n```ts no-run: needs a file\nb;\n```\n```ts no-run\nc;\n```\n";
  expect(examplesOf(markdown)).toEqual([
    { line: 2, code: "let a;\n", reason: undefined },
    { line: 8, code: "b;\n", reason: "needs a file" },
    { line: 11, code: "c;\n", reason: "" },
  ]);
  expect(() => examplesOf("```ts norun\nx\n```\n")).toThrow('marked "norun"');
});
