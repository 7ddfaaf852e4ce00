// The edits of apt's source files: what a fresh Debian 12 has, what people have added, and what must not be touched.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { addSuite, entriesOf } from "../scripts/apt-sources.mjs";

const DEB822 = `Types: deb
# http://mirror.invalid/archive/20250520T000000Z
URIs: http://mirror.invalid/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.invalid/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`;
const ONE_LINE = `# the archive
deb http://mirror.invalid/debian bookworm main contrib # a remark
deb-src http://mirror.invalid/debian bookworm main
deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.invalid/debian-security bookworm-security main
`;
const OTHERS = `deb https://tools.invalid/repos/cli/ bookworm main
deb https://containers.invalid/linux/debian-ce bookworm stable
`;
const add = (files) => addSuite(files, "bookworm", "bookworm-backports");

describe("addSuite", () => {
  test("deb822: one word more in the archive's stanza, every other byte as it was", () => {
    const path = "/etc/apt/sources.list.d/debian.sources";
    const { change, present } = add([{ path, text: DEB822 }]);
    expect(present).toBe(false);
    expect(change).toEqual({
      path,
      text: DEB822.replace("bookworm-updates\n", "bookworm-updates bookworm-backports\n"),
    });
  });

  test("deb822: suites over several lines, with a comment between", () => {
    const text = DEB822.replace("bookworm bookworm-updates\n", "bookworm\n# later\n bookworm-updates\n");
    const { change } = add([{ path: "a.sources", text }]);
    expect(change.text).toBe(text.replace(" bookworm-updates\n", " bookworm-updates bookworm-backports\n"));
  });

  test("one-line: a line of its own below, from the same mirror", () => {
    const { change } = add([{ path: "/etc/apt/sources.list", text: ONE_LINE }]);
    expect(change.text).toBe(
      ONE_LINE.replace(
        "# a remark\n",
        "# a remark\ndeb http://mirror.invalid/debian bookworm-backports main contrib\n",
      ),
    );
  });

  test("one-line: options are kept", () => {
    const text =
      "deb [arch=amd64 signed-by=/k/debian-archive-keyring.gpg] http://mirror.invalid/x bookworm main\n";
    const { change } = add([{ path: "/etc/apt/sources.list", text }]);
    expect(change.text).toBe(`${text}${text.replace("bookworm main", "bookworm-backports main")}`);
  });

  test("a second time there is nothing to do, in either form", () => {
    for (const file of [
      { path: "debian.sources", text: DEB822 },
      { path: "sources.list", text: ONE_LINE },
    ]) {
      const { change } = add([file]);
      expect(add([change])).toEqual({ change: null, present: true });
    }
  });

  test("other people's repositories with a suite of the same name are left alone", () => {
    const files = [
      { path: "/etc/apt/sources.list.d/cli.list", text: OTHERS },
      { path: "/etc/apt/sources.list.d/debian.sources", text: DEB822 },
    ];
    expect(add(files).change.path).toBe("/etc/apt/sources.list.d/debian.sources");
    expect(add(files.slice(0, 1))).toEqual({ change: null, present: false });
  });

  test("disabled stanzas, comments and source packages do not count", () => {
    const disabled = DEB822.replace("Components: main\n", "Components: main\nEnabled: no\n");
    expect(add([{ path: "debian.sources", text: disabled }])).toEqual({ change: null, present: false });
    const comment = "# deb http://mirror.invalid/debian bookworm-backports main\n";
    expect(add([{ path: "sources.list", text: comment + ONE_LINE }]).present).toBe(false);
    const source = "deb-src http://mirror.invalid/debian bookworm main\n";
    expect(add([{ path: "sources.list", text: source }])).toEqual({ change: null, present: false });
  });

  test("no files at all", () => expect(add([])).toEqual({ change: null, present: false }));

  test("law: the edit adds the suite to one entry and changes no other", () => {
    const stanza = fc.record({
      suites: fc.subarray(["bookworm", "bookworm-updates", "bookworm-security"], { minLength: 1 }),
      split: fc.boolean(),
      enabled: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(stanza, { minLength: 1, maxLength: 4 }), (stanzas) => {
        const text = stanzas
          .map(
            ({ suites, split, enabled }) =>
              `Types: deb\nURIs: http://mirror.invalid/debian\nSuites: ${suites.join(split ? "\n  " : " ")}\n` +
              `Enabled: ${enabled ? "yes" : "no"}\nComponents: main\n`,
          )
          .join("\n");
        const possible = stanzas.some(({ suites, enabled }) => enabled && suites.includes("bookworm"));
        const { change } = add([{ path: "x.sources", text }]);
        expect(change !== null).toBe(possible);
        if (change === null) return;
        const before = entriesOf("x.sources", text).map((entry) => entry.suites);
        const after = entriesOf("x.sources", change.text).map((entry) => entry.suites);
        const changed = after.filter((suites, i) => suites.length !== before[i].length);
        expect(changed.length).toBe(1);
        expect(changed[0].at(-1)).toBe("bookworm-backports");
        expect(change.text.replace(" bookworm-backports", "")).toBe(text);
      }),
      process.env.CI === "true" ? { seed: 20260101 } : {},
    );
  });
});
