// Blocks of code in Markdown documents, for the tests that run them.

export interface Example {
  /** Line of the document where the block starts. */
  readonly line: number;
  readonly code: string;
  /** Why it is not run; undefined where it is. */
  readonly reason: string | undefined;
}

/** The TypeScript blocks; a note on one must be "no-run: reason". */
export function examplesOf(markdown: string): Example[] {
  return [...markdown.matchAll(/^```ts([^\n]*)\n([\s\S]*?)^```/gm)].map((match) => {
    const note = match[1]!.trim();
    const marked = /^no-run:?\s*(.*)$/.exec(note);
    if (note !== "" && marked === null)
      throw new Error(`a block is marked "${note}", expected "no-run: reason"`);
    const line = markdown.slice(0, match.index).split("\n").length;
    return { line, code: match[2]!, reason: marked === null ? undefined : marked[1] };
  });
}

/** The blocks of another language, in order. */
export function blocksOf(markdown: string, language: string): string[] {
  return [...markdown.matchAll(/^```(\w+)[^\n]*\n([\s\S]*?)^```/gm)]
    .filter((match) => match[1] === language)
    .map((match) => match[2]!);
}
