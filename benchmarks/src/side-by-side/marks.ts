/** Where the tables of all methods side by side stand in docs/results.md. */
const FIRST = "<!-- tables by benchmarks/src/side-by-side/tables.ts -->";
const LAST = "<!-- end of the tables -->";

/** The page up to the tables, they themselves, and the rest of it; the marks belong to the page. Throws Error where there are none. */
export function between(page: string): {
  readonly before: string;
  readonly tables: string;
  readonly after: string;
} {
  const [first, last] = [page.indexOf(FIRST), page.indexOf(LAST)];
  if (first < 0 || last < first) throw new Error(`the page has no place for tables: ${FIRST} ... ${LAST}`);
  const from = first + FIRST.length;
  return { before: page.slice(0, from), tables: page.slice(from, last), after: page.slice(last) };
}
