import { describe, expect, test } from "bun:test";
import { colorsAllowed, groupResults, renderResults, renderTable } from "@trimtab/eval";
import { resultRow } from "@trimtab/test-support";

const columns = [
  { title: "field", value: (row: { field: string; dim: number }) => row.field },
  { title: "dim", align: "right" as const, value: (row: { field: string; dim: number }) => String(row.dim) },
];
const rows = [
  { field: "user", dim: 16 },
  { field: "城市", dim: 4 },
];

describe("renderTable", () => {
  test("draws a box, numbers to the right, wide characters counted as two", () => {
    expect(renderTable(rows, columns, { color: false })).toBe(
      [
        "┌───────┬─────┐",
        "│ field │ dim │",
        "├───────┼─────┤",
        "│ user  │  16 │",
        "│ 城市  │   4 │",
        "└───────┴─────┘",
      ].join("\n"),
    );
  });

  test("markdown, with bars escaped", () => {
    expect(renderTable([{ field: "a|b", dim: 1 }], columns, { style: "markdown" })).toBe(
      ["| field | dim |", "| --- | ---: |", "| a\\|b | 1 |"].join("\n"),
    );
  });

  test("escape codes only when asked for, and none that a cell brings along", () => {
    const hostile = [{ field: "a\u001b[2Jb\nc", dim: 1 }];
    expect(renderTable(hostile, columns, { color: false })).not.toContain("\u001b");
    expect(renderTable(hostile, columns, { color: false }).split("\n").length).toBe(5);
    expect(renderTable(rows, columns, { color: true })).toContain("\u001b[1mfield\u001b[22m");
  });

  test("colours need a terminal and no NO_COLOR", () => {
    const before = process.env.NO_COLOR;
    try {
      delete process.env.NO_COLOR;
      expect(colorsAllowed({ isTTY: true })).toBe(true);
      expect(colorsAllowed({ isTTY: false })).toBe(false);
      expect(colorsAllowed({})).toBe(false);
      process.env.NO_COLOR = "1";
      expect(colorsAllowed({ isTTY: true })).toBe(false);
    } finally {
      if (before === undefined) delete process.env.NO_COLOR;
      else process.env.NO_COLOR = before;
    }
  });

  test("no rows: the titles alone", () => {
    expect(renderTable([], columns, { color: false })).toContain("field");
  });
});

describe("renderResults", () => {
  const base = resultRow({ method: "base", budget: null, bytes: { serve: 40960, train: 1, uniform: 40960 } });
  const seed = (auc: number) => {
    const row = resultRow();
    return { ...row, metrics: { ...row.metrics, test: { ...row.metrics.test!, auc } } };
  };

  test("one line a method and budget, mean ± sd over seeds, synthetic said aloud", () => {
    const table = renderResults([base, seed(0.8), seed(0.81), seed(0.82)], { style: "markdown" });
    expect(table).toBe(
      [
        "planted (synthetic), deepfm 64-32",
        "| method | budget | runs | test AUC | logloss | parameters | bytes | saving | seconds |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| base | - | 1 | 0.8000 | 0.4000 | 1,000 | 40.0 KiB | 1.00x | 20.0 s |",
        "| sseds | 10% | 3 | 0.8100 ± 0.0100 | 0.4000 ± 0.0000 | 1,000 | 4.00 KiB | 10.0x | 20.0 s |",
      ].join("\n"),
    );
  });

  test("a spread is in the unit of its mean, and only where that shows it", () => {
    const close = (serve: number, seconds: number) =>
      resultRow({ bytes: { serve, train: 1, uniform: 40960 }, seconds: { train: seconds } });
    const table = renderResults([close(8190, 1.388), close(8194, 1.392)], { style: "markdown" });
    expect(table).toContain("| 8.00 KiB | 5.00x | 1.39 s |");
    const apart = renderResults([close(8092, 58), close(8292, 98)], { style: "markdown" });
    expect(apart).toContain("| 8.00 KiB ± 0.14 KiB | 5.00x ± 0.09x | 1m 18s ± 28s |");
  });

  test("several datasets or models get columns of their own", () => {
    const other = resultRow({ dataset: "frappe", datasetHash: "ff", synthetic: false });
    const table = renderResults([base, other], { style: "markdown" });
    expect(table).toContain("| dataset | model | method |");
    expect(table).toContain("| frappe | deepfm 64-32 |");
    expect(table).toContain("| planted (synthetic) |");
  });

  test("a split that was not measured shows as a dash, a scheme of no bytes has no ratio", () => {
    const row = resultRow({
      metrics: { valid: null, test: null },
      bytes: { serve: 0, train: 0, uniform: 10 },
    });
    expect(renderResults([row], { style: "markdown", split: "valid" })).toContain(
      "| - | - | 1,000 | 0 B | - |",
    );
  });

  test("a split missing in one seed is not averaged over the others", () => {
    const [group] = groupResults([resultRow(), resultRow({ metrics: { valid: null, test: null } })]);
    expect(group!.auc).toBeNull();
    expect(group!.runs).toBe(2);
  });

  test("the same name with another hash is another dataset", () => {
    expect(groupResults([resultRow(), resultRow({ datasetHash: "other" })]).length).toBe(2);
  });
});

describe("a box that is wider than the terminal", () => {
  const wide = [
    { title: "method", value: (row: string[]) => row[0]! },
    { title: "predicted / clicked", align: "right" as const, value: (row: string[]) => row[1]! },
    { title: "bytes", align: "right" as const, value: (row: string[]) => row[2]! },
  ];
  const cells = [["smaller-dim-projected", "1.002", "18.4 KiB"]];
  const at = (width: number) => renderTable(cells, wide, { color: false, width });
  const widest = (text: string) => Math.max(...text.split("\n").map((line) => line.length));

  test("keeps its words and numbers, whatever the width", () => {
    for (let width = 10; width <= 80; width++) {
      const text = at(width);
      if (width >= 28) expect(widest(text)).toBeLessThanOrEqual(width);
      expect(text).toContain("1.002");
      expect(text).toContain("18.4 KiB");
      expect(text.replaceAll(/[\s│─┌┐└┘├┤┬┴┼]/g, "")).toContain("projected");
    }
  });

  test("wraps, then drops its lines, then becomes a list", () => {
    expect(at(80)).toContain("│ smaller-dim-projected │");
    expect(at(45)).toContain("│ smaller-dim- ");
    expect(at(35)).not.toContain("│");
    expect(at(20)).toBe("smaller-dim-projected\n  predicted / clicked: 1.002\n  bytes: 18.4 KiB");
  });
});
