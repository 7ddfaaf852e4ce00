// The page in a browser: it draws what the data says, fetches nothing, runs nothing but its own script, can be read in both
// colours and on a narrow screen.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { type Report, readReport, reportHtml } from "../src/index.ts";
import { licencesOf } from "../src/licences.ts";
import { findBrowser, launch, type Opened, open } from "./browser.ts";
import { folderOf, freshFolder, studyFolder, threeSeeds } from "./rows.ts";

setDefaultTimeout(90_000);
const EVIL = '<script>window.ran = true</script><img src=x onerror="window.ran = true">';

const folder = freshFolder();
const file = join(folder, "report.html");
let report: Report;
beforeAll(async () => {
  const saliency = [[1], [2], [1]];
  report = readReport([
    folderOf({ rows: threeSeeds(), saliency }),
    folderOf({ rows: threeSeeds({ dataset: EVIL, method: EVIL }), model: { kind: EVIL } }),
  ]);
  writeFileSync(file, await reportHtml(report));
});

test("one file of a reasonable size, with names escaped", async () => {
  const text = await Bun.file(file).text();
  expect(text.length).toBeLessThan(700_000);
  expect(text).not.toContain(EVIL);
  expect(text).not.toContain("window.ran = true</script>");
  expect(text.match(/<script/g)).toHaveLength(2);
  expect(text).toContain("&lt;script&gt;window.ran = true");
  expect(text).toContain(">2 of 3</td>");
});

test("the page has the licence text of everything that draws in it", async () => {
  const text = await Bun.file(file).text();
  const shown = text.slice(text.indexOf('<details id="licences">'));
  for (const [name, words] of [
    ["@observablehq/plot 0.6.17", "Observable, Inc."],
    ["d3-scale 4.0.3", "Mike Bostock"],
    // code of others inside packages of D3: its map projections, its colours, its maps of dates
    ["d3-geo", "GeographicLib"],
    ["d3-scale-chromatic", "Cynthia Brewer"],
    ["internmap", "Copyright 2021 Mike Bostock"],
  ]) {
    expect(shown).toContain(name!);
    expect(shown).toContain(words!);
  }
  expect(shown).toContain("provided that the above copyright notice");
});

test("licences: of what is bundled, and of what a bundled package has built in; none may be absent", () => {
  const root = freshFolder();
  const make = (name: string, dependencies: Record<string, string>, licence?: string) => {
    const folder = join(root, "node_modules", name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name, version: "1.0.0", dependencies }));
    if (licence) writeFileSync(join(folder, "LICENSE"), licence);
  };
  make("drawn", { inside: "1", imported: "1" }, "words A");
  make("inside", {}, "words A");
  make("imported", {}, "words B");
  make("shaken", {}, "words C");
  const at = (name: string) => `node_modules/${name}/index.js`;
  const metafile = {
    inputs: {
      "main.ts": { imports: [{ path: at("drawn") }, { path: at("shaken") }] },
      [at("drawn")]: { imports: [{ path: at("imported") }] },
      [at("imported")]: { imports: [] },
      [at("shaken")]: { imports: [] },
    },
    outputs: {
      "main.js": {
        inputs: {
          "main.ts": { bytesInOutput: 5 },
          [at("drawn")]: { bytesInOutput: 5 },
          [at("imported")]: { bytesInOutput: 0 },
        },
      },
    },
  };
  expect(licencesOf(metafile, root)).toEqual([
    { packages: ["drawn 1.0.0", "inside 1.0.0"], text: "words A" },
  ]);
  rmSync(join(root, "node_modules", "inside", "LICENSE"));
  expect(() => licencesOf(metafile, root)).toThrow(
    "inside 1.0.0, which is installed without its licence file",
  );
});

const found = findBrowser();
if (found === undefined)
  console.log("not run: the report's page in a browser. No Chromium is on the PATH or named in CHROMIUM.");

describe.skipIf(found === undefined)("in Chromium", () => {
  let browser: Browser;
  let light: Opened;
  beforeAll(async () => {
    browser = await launch(found!);
    light = await open(browser, file);
  });
  afterAll(() => browser?.close());

  const count = (page: Page, selector: string) => page.locator(`#study-1 ${selector}`).count();

  test("nothing is fetched, nothing complains, no name is run", () => {
    expect(light.problems).toEqual([]);
    expect(light.requests).toEqual([]);
  });

  test("no name is run as script", async () => {
    expect(await light.page.evaluate("window.ran")).toBeUndefined();
    expect(await light.page.locator("#study-2 h2").textContent()).toContain(EVIL);
    expect(await light.page.locator("img").count()).toBe(0);
  });

  test("charts have the marks that the data says", async () => {
    const { page } = light;
    const [study] = report.studies;
    for (const cost of ["serve", "train", "parameters"]) {
      const chart = `[data-chart=${cost}]`;
      expect(await count(page, `${chart} .points > *`)).toBe(study!.points.length);
      expect(await count(page, `${chart} .method-line > path`)).toBe(3);
      expect(await count(page, `${chart} .noise-band > path`)).toBe(3);
      expect(await count(page, `${chart} .base-line > *`)).toBe(1);
      expect(await count(page, `${chart} .base-band > path`)).toBe(1);
      // the one baseline is dashed
      expect(await count(page, `${chart} .method-line[stroke-dasharray]`)).toBe(1);
    }
    // "10%" is shown first: two methods met it, over three fields
    expect(await count(page, "[data-chart=heat] .cells > rect")).toBe(2 * 3);
    expect(await count(page, "[data-chart=popularity] .points > *")).toBe(2 * 10);
    const phases = study!.points.reduce((n, { seconds }) => n + Object.keys(seconds).length, 0);
    expect(await count(page, "[data-chart=times] .bars > rect")).toBe(phases);
    expect(await page.locator("#study-1 [data-chart=heat] .cell-numbers").textContent()).toContain("·");
  });

  test("methods have one order in all lists and charts, and the looks that their names fix", async () => {
    const { page } = light;
    const names = ["sseds", "pep", "smaller-dim"];
    const of = (selector: string, attribute?: string) =>
      page
        .locator(`#study-1 ${selector}`)
        .evaluateAll(
          (all, name) => all.map((one) => (name ? one.getAttribute(name) : one.textContent) ?? ""),
          attribute,
        );
    await page.locator("#study-1 select[data-budget]").selectOption("50%");
    expect(await of("input[data-method]", "data-method")).toEqual(["base", ...names]);
    expect(await of("[data-chart=heat] [aria-label='y-axis tick label'] text")).toEqual(names);
    const bars = await of("[data-chart=times] [aria-label='y-axis tick label'] text");
    expect(bars.map((text) => text.split(" ")[0])).toEqual([
      "base",
      "sseds",
      "sseds",
      "pep",
      "pep",
      "smaller-dim",
    ]);
    expect([...new Set(await of("[data-table=rows] tbody td:first-child"))]).toEqual(["base", ...names]);
    const strokes = await of("[data-chart=serve] .method-line", "stroke");
    expect(strokes).toEqual(["var(--m0)", "var(--m1)", "var(--m11)"]);
    await page.locator("#study-1 select[data-budget]").selectOption("10%");
  });

  test("methods whose shortened names are the same have bars of their own", async () => {
    const long = (end: string) => `sseds that reads the saliency of ${end}`;
    const rows = threeSeeds().flatMap((row) =>
      row.method === "pep"
        ? [
            { ...row, method: long("training rows") },
            { ...row, method: long("validation rows") },
          ]
        : row.method === "base"
          ? row
          : [],
    );
    const path = join(folder, "long.html");
    writeFileSync(path, await reportHtml(readReport([folderOf({ rows, events: [] })])));
    const { page, problems } = await open(browser, path);
    expect(problems).toEqual([]);
    const ticks = await page
      .locator("#study-1 [data-chart=times] [aria-label='y-axis tick label'] text")
      .allTextContents();
    expect(ticks).toHaveLength(1 + 4);
    expect(new Set(ticks).size).toBe(3);
    await page.close();
  });

  test("a budget, a field and methods can be chosen", async () => {
    const { page } = light;
    await page.locator("#study-1 select[data-budget]").selectOption("50%");
    expect(await count(page, "[data-chart=heat] .cells > rect")).toBe(3 * 3);
    await page.locator("#study-1 select[data-field]").selectOption("hour");
    expect(await count(page, "[data-chart=popularity] .points > *")).toBe(3 * 10);
    await page.locator('#study-1 input[data-method="pep"]').uncheck();
    expect(await count(page, "[data-chart=serve] .points > *")).toBe(report.studies[0]!.points.length - 2);
    await page.locator('#study-1 input[data-method="pep"]').check();
  });

  test("the table sorts by number and by name, and filters", async () => {
    const { page } = light;
    const table = page.locator("#study-1 [data-table=rows]");
    const column = async (n: number) =>
      (await table.locator(`tbody tr:not([hidden]) td:nth-child(${n})`).allTextContents()).map((t) =>
        t.trim(),
      );
    const aucs = report.studies[0]!.rows.map((row) => row.metrics.test!.auc.toFixed(4)).sort();
    await table.getByRole("button", { name: "test AUC" }).click();
    expect(await column(5)).toEqual(aucs);
    await table.getByRole("button", { name: "test AUC" }).click();
    expect(await column(5)).toEqual([...aucs].reverse());
    expect(await table.locator("th[aria-sort]").getAttribute("aria-sort")).toBe("descending");
    // bytes are sorted as numbers, though they are shown in units
    await table.getByRole("button", { name: "bytes" }).click();
    const bytes = await table
      .locator("tbody td:nth-child(9)")
      .evaluateAll((cells) => cells.map((c) => Number(c.getAttribute("data-v"))));
    expect(bytes).toEqual([...bytes].sort((a, b) => a - b));
    await table.locator("select[data-column='0']").selectOption("pep");
    expect(await column(1)).toEqual(Array(6).fill("pep"));
    await table.locator("input[type=search]").fill("50%");
    expect(await column(3)).toEqual(Array(3).fill("50%"));
    expect(await table.locator("output").textContent()).toBe("3 of 18 rows");
  });

  test("verdicts are marked, and what is missing is said", async () => {
    const { page } = light;
    expect(await count(page, "[data-verdict='does not beat'] .bad")).toBe(1);
    expect(await count(page, "[data-verdict='beats'] .good")).toBe(1);
    expect(await page.locator("#study-1 [data-impossible]").textContent()).toContain("dim 1 already costs");
    expect(await page.locator("header").textContent()).toContain("synthetic");
  });

  test("what failed is said with its whole message, in the contents with its beginning, and fits the screen", async () => {
    const message = `${EVIL}\nout of memory: ${"a-word-without-an-end".repeat(12)} the end of it`;
    const asked = {
      kind: "asked",
      methods: ["sseds", "pep", "smaller-dim", "mine"],
      budgets: ["50%"],
      seeds: [1, 2, 3],
    };
    const failed = [1, 2, 3].map((seed) => ({ kind: "failed", method: "mine", seed, message }));
    const rows = threeSeeds();
    const study = [
      folderOf({ rows, events: [asked, ...failed] }),
      folderOf({ rows: rows.slice(1), model: { kind: "lr" } }),
    ];
    const path = join(folder, "failed.html");
    writeFileSync(path, await reportHtml(readReport(study)));
    for (const width of [1240, 380]) {
      const { page, problems } = await open(browser, path, { width });
      expect(problems).toEqual([]);
      expect(await page.locator("#study-1 [data-failed] li").allTextContents()).toEqual([
        `mine at 50% (seeds 1, 2, 3): ${message}`,
      ]);
      expect(await page.locator("#study-1-missing").textContent()).not.toContain("Still to come");
      const [first, second] = await page.locator("#contents tbody tr").allTextContents();
      expect(first).toMatch(/18 of 21.*3 failed.*mine at 50% failed: <script>.*…/s);
      expect(first).not.toContain("the end of it");
      expect(first).not.toContain("not finished");
      expect(second).toMatch(/17 of 18.*not finished/);
      const [inside, screen] = (await page.evaluate(
        "[document.documentElement.scrollWidth, window.innerWidth]",
      )) as [number, number];
      expect(inside).toBeLessThanOrEqual(screen);
      await page.close();
    }
  });

  test("both colours have readable contrast, by the system and by the switch", async () => {
    const { page } = light;
    expect(await hardToRead(page)).toEqual([]);
    const lightBack = await background(page);
    await page.locator("#theme").click();
    expect(await background(page)).not.toBe(lightBack);
    expect(await hardToRead(page)).toEqual([]);
    const dark = await open(browser, file, { colorScheme: "dark", width: 380 });
    expect(await background(dark.page)).toBe(await background(page));
    expect(dark.problems).toEqual([]);

    // on a narrow screen only tables and the heat map scroll, inside their own places
    const [inside, screen] = (await dark.page.evaluate(
      "[document.documentElement.scrollWidth, window.innerWidth]",
    )) as [number, number];
    expect(inside).toBeLessThanOrEqual(screen);
    const wide = await dark.page
      .locator("[data-chart]:not(.scroll) > svg")
      .evaluateAll((charts) =>
        charts.map((c) => c.getBoundingClientRect().right).filter((right) => right > 380),
      );
    expect(wide).toEqual([]);
  });

  test("of several studies: contents, which method at which budget, every number from a line that is there", async () => {
    const study = readReport([studyFolder()]);
    const path = join(folder, "study.html");
    writeFileSync(path, await reportHtml(study));
    const { page, problems, requests } = await open(browser, path);
    expect([problems, requests]).toEqual([[], []]);
    const lines = page.locator("#contents tbody tr");
    expect(await lines.count()).toBe(3);
    expect(await lines.nth(0).textContent()).toContain("sseds at 50%; pep at 50%");
    expect(await lines.nth(2).textContent()).toMatch(/one-fm.*sseds at 50%; pep nowhere.*18 of 18/);
    const counted = page.locator("[data-table=contests] tbody tr");
    expect(await counted.count()).toBe(study.across.contests.length);
    for (const [m, method] of study.across.methods.entries()) {
      const mine = study.across.tallies.filter((tally) => tally.method === method);
      const row = page.locator("[data-table=tallies] tbody tr").nth(m);
      for (const { budget, best, level, behind } of mine) {
        const at = study.across.budgets.indexOf(budget);
        const cell = await row
          .locator("td")
          .nth(1 + at)
          .locator(".places")
          .textContent();
        const told = Object.entries({ best, level, behind }).filter(([, n]) => n > 0);
        expect(cell).toBe(told.map(([place, n]) => `${n} ${place}`).join(""));
        // the same by counting the marks of the lines below
        const marks = await counted.evaluateAll(
          (rows, [budget, m]) =>
            rows
              .filter((row) => row.children[1]!.textContent === budget)
              .map((row) => row.children[3 + m]!.querySelector(".mark")?.textContent ?? ""),
          [budget, m] as const,
        );
        for (const [place, n] of Object.entries({ best, level, behind }))
          expect(marks.filter((mark) => mark === place)).toHaveLength(n);
      }
    }
    // a method looks the same in every study
    for (const method of ["sseds", "pep", "smaller-dim"]) {
      const drawn = await page
        .locator(`label:has(input[data-method="${method}"]) svg`)
        .evaluateAll((svgs) => svgs.map((svg) => svg.innerHTML.replace(/plot-[0-9a-z]+/g, "")));
      expect(drawn).toHaveLength(3);
      expect(new Set(drawn).size).toBe(1);
    }
    // a line leads to its study, and that one back
    await lines.nth(1).locator("a").click();
    const top = () => page.locator("#study-2").evaluate((e) => e.getBoundingClientRect().top);
    expect(Math.abs(await top())).toBeLessThan(60);
    await page.locator("#study-2 nav").getByRole("link", { name: "Stability" }).click();
    expect(
      Math.abs(await page.locator("#study-2-stability").evaluate((e) => e.getBoundingClientRect().top)),
    ).toBeLessThan(60);
    await page.locator("#study-2 nav").getByRole("link", { name: "Contents" }).click();
    expect(await page.evaluate("window.scrollY")).toBeLessThan(200);
    await page.locator("#contents").getByRole("button", { name: "base AUC" }).click();
    expect(await lines.nth(0).textContent()).toContain("one-dlrm");
    expect(await hardToRead(page)).toEqual([]);
    await page.locator("#theme").click();
    expect(await hardToRead(page)).toEqual([]);
    const narrow = await open(browser, path, { width: 360 });
    const [inside, screen] = (await narrow.page.evaluate(
      "[document.documentElement.scrollWidth, window.innerWidth]",
    )) as [number, number];
    expect(inside).toBeLessThanOrEqual(screen);
  });
});

const background = (page: Page) =>
  page.evaluate("getComputedStyle(document.documentElement).backgroundColor") as Promise<string>;

/** Sends test/page/contrast.ts into the page. */
async function hardToRead(page: Page): Promise<string[]> {
  const source = await Bun.file(join(import.meta.dirname, "page", "contrast.ts")).text();
  const script = new Bun.Transpiler({ loader: "ts" })
    .transformSync(source)
    .replace("export function", "function");
  return (await page.evaluate(`(() => { ${script}; return hardToRead(); })()`)) as string[];
}
