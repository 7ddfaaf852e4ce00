/** What the page is given: of a report, what charts need. */
import type { FieldLine, Study } from "../model.ts";

export const SYMBOLS = ["circle", "square", "triangle", "diamond", "star", "cross", "wye"] as const;

/** How a method is drawn: a colour by its name in the page's style, and a symbol. */
export interface Look {
  readonly color: string;
  readonly symbol: (typeof SYMBOLS)[number];
}

export type PageStudy = Pick<Study, "id" | "methods" | "budgets" | "points"> & {
  /** By method. */
  readonly looks: Readonly<Record<string, Look>>;
  readonly fields: readonly Pick<FieldLine, "name" | "occurrences">[];
};

export interface PageData {
  readonly studies: readonly PageStudy[];
}

/** The element that holds it, and the attributes by which page and markup know each other's parts. */
export const DATA_ID = "data";

export const colorOf = (method: string, { looks }: PageStudy): string => `var(--${looks[method]!.color})`;

export const symbolOf = (method: string, { looks }: PageStudy): Look["symbol"] => looks[method]!.symbol;
