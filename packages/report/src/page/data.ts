/** What the page is given: of a report, what charts need. */
import type { FieldLine, Study } from "../model.ts";

export type PageStudy = Pick<Study, "id" | "methods" | "budgets" | "points"> & {
  /** Methods of all studies, so that one looks the same in each. */
  readonly palette: readonly string[];
  readonly fields: readonly Pick<FieldLine, "name" | "occurrences">[];
};

export interface PageData {
  readonly studies: readonly PageStudy[];
}

/** The element that holds it, and the attributes by which page and markup know each other's parts. */
export const DATA_ID = "data";

/** Colours and strokes there are; more methods than that share colours, and differ in their symbols. */
export const COLORS = 12;

export function colorOf(method: string, { palette }: Pick<PageStudy, "palette">): string {
  if (method === "base") return "var(--base)";
  const at = palette.filter((name) => name !== "base").indexOf(method);
  return `var(--m${at % COLORS})`;
}
