/** Sentences in a terminal: broken between words, never in one. */

/** Columns that people's text may take; any number where standard output is no terminal, so that pipes get whole lines. */
export function terminalWidth(
  stream: { readonly isTTY?: boolean; readonly columns?: number } = process.stdout,
) {
  return stream.isTTY ? stream.columns || 80 : Number.POSITIVE_INFINITY;
}

/** Lines of at most `width`, later ones indented; a word that is wider has a line of its own. */
export function wrapWords(text: string, width = terminalWidth(), indent = "  "): string {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines.at(-1)!;
    const longer = last.trim() === "" ? `${last}${word}` : `${last} ${word}`;
    if (last.trim() === "" || longer.length <= width) lines[lines.length - 1] = longer;
    else lines.push(`${indent}${word}`);
  }
  return lines.join("\n");
}

/** A text of several lines, each broken between words; the rest of an indented line stays indented. */
export function wrapLines(text: string, width = terminalWidth()): string {
  const lines = text.split("\n").map((line) => {
    const indent = /^ */.exec(line)![0];
    const rest = wrapWords(line.slice(indent.length), width - indent.length, indent === "" ? "  " : "");
    return rest.replace(/^/gm, indent);
  });
  return lines.join("\n");
}
