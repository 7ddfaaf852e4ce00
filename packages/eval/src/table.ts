// Tables for people: boxes in a terminal, Markdown in documents. cli-table3 measures wide characters and draws the
// box; nothing else of it is used.
import Table from "cli-table3";

/** One column: its title, and the text of a row's cell. */
export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  /** "left" unless given; numbers read better from the right. */
  readonly align?: "left" | "right";
}

export interface TableOptions {
  /** Bold titles by escape codes; unless given, only where standard output is a terminal and NO_COLOR is not set. */
  readonly color?: boolean;
  /** "box" (default) for a terminal, "markdown" for documents. */
  readonly style?: "box" | "markdown";
}

/** Whether escape codes may be written: a terminal, and no NO_COLOR in the environment. */
export function colorsAllowed(stream: { readonly isTTY?: boolean } = process.stdout): boolean {
  return stream.isTTY === true && (process.env.NO_COLOR ?? "") === "";
}

/** Rows under titled columns, as text without a last line's end. No rows make a table of titles only. */
export function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  { color = colorsAllowed(), style = "box" }: TableOptions = {},
): string {
  const cells = rows.map((row) => columns.map((column) => oneLine(column.value(row))));
  if (style === "markdown") return markdown(columns, cells);
  const bold = (text: string) => (color ? `\u001b[1m${text}\u001b[22m` : text);
  const table = new Table({
    head: columns.map((column) => bold(column.title)),
    colAligns: columns.map((column) => column.align ?? "left"),
    style: { head: [], border: [], compact: true },
  });
  table.push(...cells);
  return table.toString();
}

function markdown<Row>(columns: readonly Column<Row>[], cells: readonly string[][]): string {
  const line = (texts: readonly string[]) => `| ${texts.join(" | ")} |`;
  const escaped = (text: string) => text.replaceAll("|", "\\|");
  return [
    line(columns.map((column) => escaped(column.title))),
    line(columns.map((column) => (column.align === "right" ? "---:" : "---"))),
    ...cells.map((texts) => line(texts.map(escaped))),
  ].join("\n");
}

// Names come from the user's files: a control character in one must not move the cursor or break the box.
function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ");
}
