import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { law } from "@trimtab/test-support";
import fc from "fast-check";
import {
  hashed,
  loadScheme,
  perField,
  SchemeFormatError,
  saveScheme,
  schemeFromJSON,
  uniform,
} from "../../src/index.ts";
import { hashedSchemes, schemes } from "../schemes.ts";

const fields = [
  { name: "user", rows: 100, slots: 1 },
  { name: "city", rows: 7, slots: 1 },
];

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "trimtab-scheme-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("law: a scheme comes back from its JSON as it was", () => {
  law(
    fc.property(fc.oneof(schemes(), hashedSchemes()), (s) => {
      const back = schemeFromJSON(JSON.parse(JSON.stringify(s.toJSON())));
      expect(back).toEqual(s);
      expect(back.serveBytes()).toBe(s.serveBytes());
    }),
  );
});

test("law: and from its file, with nothing else left in the folder", () => {
  law(
    fc.property(fc.oneof(schemes(), hashedSchemes()), (s) => {
      const path = join(folder, "scheme.json");
      saveScheme(path, s);
      expect(loadScheme(path)).toEqual(s);
      expect(readdirSync(folder)).toEqual(["scheme.json"]);
    }),
    20,
  );
});

describe("what is refused", () => {
  const good = perField(fields, [1, 2], { base: 2, projection: "linear" }).toJSON();
  const cases: [string, unknown, string][] = [
    ["an unknown kind", { ...good, kind: "halved" }, "kind"],
    ["an unknown rule", { ...hashed(fields, { dim: 2, rows: [9, 7] }).toJSON(), rule: "xor" }, "rule"],
    ["an unknown key", { ...good, dmis: [1] }, "dmis"],
    [
      "an unknown key of a field",
      { ...uniform(fields, 2).toJSON(), fields: [{ ...fields[0], row: 1 }] },
      "row",
    ],
    ["a dim as text", { ...good, dims: ["1", 2] }, "dims.0"],
    ["nothing", null, "expected"],
  ];
  test.each(cases)("%s", (_, json, message) => {
    expect(() => schemeFromJSON(json, "found.json")).toThrow(SchemeFormatError);
    expect(() => schemeFromJSON(json, "found.json")).toThrow("found.json");
    expect(() => schemeFromJSON(json, "found.json")).toThrow(message);
  });

  test("a missing file and a torn one, by name", () => {
    const torn = join(folder, "torn.json");
    writeFileSync(torn, '{"kind":"uni');
    expect(() => loadScheme(torn)).toThrow("torn.json: is not JSON");
    const missing = join(folder, "missing.json");
    expect(existsSync(missing)).toBe(false);
    expect(() => loadScheme(missing)).toThrow("missing.json: no such file");
    rmSync(torn);
  });
});
