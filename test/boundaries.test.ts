// The house rules of design section 3: arrows only go up the list, packages meet at their index, engines keep their
// shader code to themselves.
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { packageNames, root, sourcesUnder, textOf, withoutComments } from "./tree.ts";

const FOUNDATION = ["tensor-core", "data", "embeddings", "models", "eval"];

/** What tests of all packages may import besides. */
const TEST_SUPPORT = "test-support";

/** What a package may import of ours. */
function allowed(name: string): string[] {
  switch (name) {
    case "tensor-core":
    case "data":
      return [];
    case "embeddings":
      return ["tensor-core"];
    case "models":
      return ["tensor-core", "embeddings"];
    case "eval":
      return ["data"];
    case "search-core":
      return FOUNDATION;
    case "export":
    case "report":
      return [...FOUNDATION, "search-core"];
    case "cli":
      return packageNames;
    default:
      if (name.startsWith("search-")) return [...FOUNDATION, "search-core"];
      throw new Error(`package "${name}" has no rule: say here what it may import`);
  }
}

/** Every module named in a source file, types included. */
function importsOf(source: string): string[] {
  const pattern = /(?:\bfrom|\bimport|\bimport\(|\brequire\()\s*["']([^"'\n]+)["']/g;
  return [...withoutComments(source).matchAll(pattern)].map((match) => match[1]!);
}

const folders = [...packageNames.map((name) => `packages/${name}`), "benchmarks"];

describe.each(folders)("%s", (folder) => {
  const name = folder.replace("packages/", "");
  const may = name === "benchmarks" ? packageNames : allowed(name);
  const files = sourcesUnder(folder);
  const manifest = JSON.parse(textOf(`${folder}/package.json`));

  test("imports only what stands above it, by name, and declares it", () => {
    const wrong: string[] = [];
    for (const file of files) {
      for (const module of importsOf(textOf(file))) {
        const ours = /^@trimtab\/([^/]+)(\/.*)?$/.exec(module);
        if (ours === null || ours[1] === name) continue;
        const support = ours[1] === TEST_SUPPORT && file.startsWith(`${folder}/test/`);
        if (!support && !may.includes(ours[1]!))
          wrong.push(`${file} imports ${module}; ${name} may import: ${may.join(", ") || "none"}`);
        if (ours[2] !== undefined) wrong.push(`${file} imports ${module}, deeper than the package's index`);
        const declared = { ...manifest.dependencies, ...manifest.devDependencies };
        if (!(`@trimtab/${ours[1]}` in declared))
          wrong.push(`${file} imports ${module}, which package.json does not name`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test("package.json depends only on what stands above it", () => {
    expect(Object.keys(manifest.dependencies ?? {})).not.toContain(`@trimtab/${TEST_SUPPORT}`);
    const ours = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })
      .filter((dependency) => dependency.startsWith("@trimtab/"))
      .map((dependency) => dependency.replace("@trimtab/", ""));
    expect(ours.filter((dependency) => dependency !== TEST_SUPPORT && !may.includes(dependency))).toEqual([]);
  });

  test("relative imports stay inside, end in their file's ending and lead to a file", () => {
    const wrong: string[] = [];
    for (const file of files) {
      for (const module of importsOf(textOf(file))) {
        if (!module.startsWith(".")) continue;
        const target = normalize(join(dirname(file), module));
        if (!target.startsWith(`${folder}/`)) wrong.push(`${file} imports ${module}, outside its package`);
        else if (!/\.\w+$/.test(module)) wrong.push(`${file} imports ${module} without the file's ending`);
        else if (!existsSync(join(root, target))) wrong.push(`${file} imports ${module}, which is not there`);
      }
    }
    expect(wrong).toEqual([]);
  });

  if (name !== "benchmarks") {
    test("its index is its whole public API", () => {
      expect(existsSync(join(root, folder, "src/index.ts"))).toBe(true);
      expect(manifest.exports).toEqual({ ".": "./src/index.ts" });
      expect(manifest.name).toBe(`@trimtab/${name}`);
    });
  }
});

const sources = folders.flatMap((folder) =>
  sourcesUnder(folder).filter((file) => file.startsWith(`${folder}/src/`)),
);

describe("the seam between compiler and engines", () => {
  const outside = (home: string, pattern: RegExp) =>
    sources.filter((file) => !file.startsWith(home) && pattern.test(withoutComments(textOf(file))));

  test("no WGSL outside engines/webgpu", () => {
    const wgsl = /@compute\b|@workgroup_size\b|@group\(|@builtin\(|var<(storage|workgroup|uniform)/;
    expect(outside("packages/tensor-core/src/engines/webgpu/", wgsl)).toEqual([]);
  });

  test("no WASM outside engines/cpu", () => {
    expect(outside("packages/tensor-core/src/engines/cpu/", /\bWebAssembly\b/)).toEqual([]);
  });
});

test("no way round the type checker in sources", () => {
  const loophole = /@ts-(ignore|nocheck)|\bas any\b|biome-ignore lint\/suspicious\/noExplicitAny/;
  expect(sources.filter((file) => loophole.test(textOf(file)))).toEqual([]);
});

test("the rules would notice: imports are found in every form, and not in comments", () => {
  const source = [
    'import a from "one";',
    "import type { B } from 'two';",
    'export * from "three";',
    'const c = await import("four");',
    'import "five";',
    'import {\n  d,\n  e,\n} from "six";',
    '// import "seven";',
    ' * import "eight";',
    '/** import "nine" */',
    '  /* for instance\n  from "ten" */',
    'type T = import("eleven").T;',
  ].join("\n");
  expect(importsOf(source)).toEqual(["one", "two", "three", "four", "five", "six", "eight", "eleven"]);
});
