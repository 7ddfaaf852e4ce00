// Tables for people: boxes in a terminal, Markdown in documents. cli-table3 measures wide characters and draws the
// box; nothing else of it is used.
import Table, { type TableConstructorOptions } from "cli-table3";

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
  /** Columns of the terminal that a box must fit; default: those of standard output, any number where it is no terminal. */
  readonly width?: number;
}

/** Whether escape codes may be written: a terminal, and no NO_COLOR in the environment. */
export function colorsAllowed(stream: { readonly isTTY?: boolean } = process.stdout): boolean {
  return stream.isTTY === true && (process.env.NO_COLOR ?? "") === "";
}

/**
 * Rows under titled columns, as text without a last line's end. No rows make a table of titles only. A box that is too wide
 * wraps its words, then drops its lines; where even that does not fit, each row becomes a list of its own.
 */
export function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  { color = colorsAllowed(), style = "box", width = terminalWidth() }: TableOptions = {},
): string {
  const cells = rows.map((row) => columns.map((column) => oneLine(column.value(row))));
  if (style === "markdown") return markdown(columns, cells);
  const bold = (text: string) => (color ? `\u001b[1m${text}\u001b[22m` : text);
  const lines = columns.length + 1;
  const natural = columns.map((c, i) => Math.max(...[c.title, ...cells.map((row) => row[i]!)].map(widthOf)));
  if (sum(natural) + 2 * columns.length + lines <= width) return drawn(columns, cells, bold, BOX);
  // a number stays beside its unit
  const parts = (column: Column<Row>, text: string) =>
    column.align === "right" ? [text] : text.split(BREAK);
  const least = columns.map((column, i) =>
    Math.max(
      ...[...column.title.split(BREAK), ...cells.flatMap((row) => parts(column, row[i]!))].map((text) =>
        widthOf(text.trimEnd()),
      ),
    ),
  );
  const boxed = fitted(natural, least, width - 2 * columns.length - lines);
  if (boxed) return drawn(columns, cells, bold, BOX, boxed);
  const bare = fitted(natural, least, width - 2 * (columns.length - 1));
  if (bare) return drawn(columns, cells, bold, BARE, bare);
  return listed(columns, cells, bold);
}

function terminalWidth(): number {
  return process.stdout.isTTY ? process.stdout.columns || 80 : Number.POSITIVE_INFINITY;
}

const BOX: TableConstructorOptions = { style: { head: [], border: [], compact: true } };
const BARE: TableConstructorOptions = {
  style: { ...BOX.style, "padding-left": 0, "padding-right": 0 },
  chars: {
    ...{ top: "", "top-mid": "", "top-left": "", "top-right": "" },
    ...{ bottom: "", "bottom-mid": "", "bottom-left": "", "bottom-right": "" },
    ...{ left: "", "left-mid": "", mid: "─", "mid-mid": "──", right: "", "right-mid": "", middle: "  " },
  },
};

function drawn<Row>(
  columns: readonly Column<Row>[],
  cells: readonly string[][],
  bold: (text: string) => string,
  options: TableConstructorOptions,
  widths: readonly number[] = columns.map(() => Number.POSITIVE_INFINITY),
): string {
  const lines = (text: string, i: number) => wrapped(text, widths[i]!);
  const table = new Table({
    ...options,
    head: columns.map((column, i) => lines(column.title, i).map(bold).join("\n")),
    colAligns: columns.map((column) => column.align ?? "left"),
  });
  table.push(...cells.map((row) => row.map((text, i) => lines(text, i).join("\n"))));
  return table.toString();
}

/** Where a line may end: after a space or a hyphen. */
const BREAK = /(?<=[ -])(?=[^ -])/;

/** Lines of at most `width`; a part that is wider has a line of its own. */
function wrapped(text: string, width: number): string[] {
  const lines = [""];
  for (const part of text.split(BREAK)) {
    const longer = lines.at(-1)! + part;
    if (lines.at(-1) === "" || widthOf(longer.trimEnd()) <= width) lines[lines.length - 1] = longer;
    else lines.push(part);
  }
  return lines.map((line) => line.trimEnd());
}

/** Widths that add up to at most `room`, each between its least and its natural one; the widest give first. */
function fitted(natural: readonly number[], least: readonly number[], room: number): number[] | undefined {
  if (sum(least) > room) return undefined;
  const widths = [...natural];
  while (sum(widths) > room) {
    const slack = widths.map((width, i) => (width > least[i]! ? width : -1));
    const widest = slack.indexOf(Math.max(...slack));
    widths[widest] = widths[widest]! - 1;
  }
  return widths;
}

/** A row a paragraph, a cell a line: readable at any width. */
function listed<Row>(
  columns: readonly Column<Row>[],
  cells: readonly string[][],
  bold: (text: string) => string,
): string {
  const titles = (first: number) => columns.slice(first).map(({ title }) => title);
  if (cells.length === 0) return titles(0).map(bold).join("\n");
  return cells
    .map((row) => [bold(row[0]!), ...titles(1).map((title, i) => `  ${title}: ${row[i + 1]!}`)].join("\n"))
    .join("\n");
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, n) => total + n, 0);

/** Columns of a terminal that a text takes, as cli-table3 counts them. */
function widthOf(text: string): number {
  const table = new Table({ ...BARE });
  table.push([text]);
  return text === "" ? 0 : table.width;
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
