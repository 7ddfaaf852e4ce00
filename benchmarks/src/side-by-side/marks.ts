/** Where the tables that a program makes stand in docs/results.md. */
import { readFileSync, writeFileSync } from "node:fs";

const LAST = "<!-- end of the tables -->";

interface Parts {
  readonly before: string;
  readonly tables: string;
  readonly after: string;
}

/** The page up to the tables of a program of this folder, they themselves, and the rest of it; the marks belong to the page. Throws Error where there are none. */
export function between(page: string, program: string): Parts {
  const mark = `<!-- tables by benchmarks/src/side-by-side/${program} -->`;
  const first = page.indexOf(mark);
  const last = page.indexOf(LAST, first);
  if (first < 0 || last < 0) throw new Error(`the page has no place for tables: ${mark} ... ${LAST}`);
  const from = first + mark.length;
  return { before: page.slice(0, from), tables: page.slice(from, last), after: page.slice(last) };
}

/** Puts new tables between the marks of a file. */
export function replaceTables(file: string, program: string, text: string): void {
  const { before, after } = between(readFileSync(file, "utf8"), program);
  writeFileSync(file, `${before}\n\n${text}\n\n${after}`);
}
