/** What a terminal would show of the bytes it is sent: as much of one as bars need. */

export class Screen {
  readonly #columns: number;
  readonly #rows: number;
  /** All lines since the start: the last `#rows` of them are on the screen, the others have scrolled away. */
  readonly #lines: string[][] = [[]];
  #row = 0;
  /** `#columns` after a character in the last column: only the next one wraps. */
  #column = 0;
  #saved = { up: 0, column: 0 };
  #wraps = true;
  /** The beginning of a sequence whose end has not come yet. */
  #rest = "";

  constructor(columns: number, rows: number) {
    this.#columns = columns;
    this.#rows = rows;
  }

  /** What has scrolled away and what is shown, without blanks at the ends. */
  get lines(): string[] {
    const lines = this.#lines.map((line) =>
      Array.from(line, (char) => char ?? " ")
        .join("")
        .trimEnd(),
    );
    return lines.slice(0, lines.findLastIndex((line) => line !== "") + 1);
  }

  write(text: string): void {
    const sent = this.#rest + text;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal is controlled by them
    const parts = sent.match(/\x1b\[[?0-9;]*[A-Za-z]|\x1b[78]|\x1b.*$|[^\x1b]/gs) ?? [];
    const last = parts.at(-1);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: as above
    this.#rest = last && /^\x1b(\[[?0-9;]*)?$/.test(last) ? parts.pop()! : "";
    for (const part of parts) this.#take(part);
  }

  get #top(): number {
    return Math.max(0, this.#lines.length - this.#rows);
  }

  #take(part: string): void {
    if (part === "\r") this.#column = 0;
    else if (part === "\n") this.#newLine();
    else if (part === "\x1b7") this.#saved = { up: this.#row - this.#top, column: this.#column };
    else if (part === "\x1b8") this.#go(this.#top + this.#saved.up, this.#saved.column);
    else if (part.startsWith("\x1b[")) this.#control(part.slice(2, -1), part.at(-1)!);
    else if (part.startsWith("\x1b")) throw new Error(`the screen does not know ${JSON.stringify(part)}`);
    else this.#put(part);
  }

  #control(argument: string, what: string): void {
    const count = Math.max(1, Number(argument) || 0);
    const line = this.#lines[this.#row]!;
    const at = Math.min(this.#column, this.#columns - 1);
    if (argument === "?7") this.#wraps = what === "h";
    else if (argument === "?25" || what === "m") return;
    else if (what === "A") this.#go(Math.max(this.#top, this.#row - count), this.#column);
    else if (what === "B") this.#go(this.#row + count, this.#column);
    else if (what === "G") this.#go(this.#row, count - 1);
    else if (what === "K" && argument === "2") line.length = 0;
    else if (what === "K" && Number(argument) === 0) line.length = Math.min(line.length, at);
    else if (what === "J" && Number(argument) === 0) {
      line.length = Math.min(line.length, at);
      for (let row = this.#row + 1; row < this.#lines.length; row++) this.#lines[row]!.length = 0;
    } else throw new Error(`the screen does not know ${argument}${what}`);
  }

  #go(row: number, column: number): void {
    this.#row = Math.min(row, this.#top + this.#rows - 1);
    while (this.#lines.length <= this.#row) this.#lines.push([]);
    this.#column = Math.min(column, this.#columns - 1);
  }

  /** A terminal's driver starts each line at its beginning. */
  #newLine(): void {
    this.#row++;
    this.#column = 0;
    if (this.#row === this.#lines.length) this.#lines.push([]);
  }

  #put(char: string): void {
    if (this.#column === this.#columns) {
      if (this.#wraps) this.#newLine();
      else this.#column = this.#columns - 1;
    }
    this.#lines[this.#row]![this.#column] = char;
    this.#column++;
  }
}

/** The stream that a program would write to it. */
export function terminalOf(screen: Screen, columns: number, rows: number): NodeJS.WriteStream {
  const write = (text: string) => {
    screen.write(text);
    return true;
  };
  return { isTTY: true, columns, rows, write } as unknown as NodeJS.WriteStream;
}
