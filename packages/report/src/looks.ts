/** Colours and symbols of methods: fixed by name for those that Trimtab ships, so that one looks the same on every page. */
import { ownName } from "@trimtab/search-core";
import type { Study } from "./model.ts";
import { type Look, SYMBOLS } from "./page/data.ts";

/** Methods of Trimtab. Searchers have the colours that are told apart best; what is drawn filled and hollow may share a symbol. */
export const shippedLooks: Readonly<Record<string, Look>> = {
  base: { color: "base", symbol: "circle" },
  sseds: { color: "m0", symbol: "square" },
  pep: { color: "m1", symbol: "triangle" },
  adass: { color: "m2", symbol: "diamond" },
  fiited: { color: "m3", symbol: "star" },
  "smaller-dim": { color: "m11", symbol: "circle" },
  "smaller-dim-projected": { color: "m6", symbol: "square" },
  "dims-by-size": { color: "m9", symbol: "triangle" },
  "random-dims": { color: "m8", symbol: "diamond" },
  "hashed-rows": { color: "m10", symbol: "star" },
  "row-pruning": { color: "m5", symbol: "cross" },
  magnitude: { color: "m7", symbol: "wye" },
};

/** For other methods, the one that none of Trimtab's has first. The page's style says what they are, in light and in dark. */
const COLORS = ["m4", "m0", "m1", "m2", "m3", "m5", "m6", "m7", "m8", "m9", "m10", "m11"];

/**
 * The look of every method of a page. A label looks like the method behind it, unless that one or another label of it is there too. Other methods
 * get the colours that are left, in order of appearance; where none is left, they share one and have another symbol.
 */
export function looksOf(studies: readonly Pick<Study, "methods" | "rows">[]): Record<string, Look> {
  const names = [...new Set(studies.flatMap(({ methods }) => methods.map(({ name }) => name)))];
  const behind = new Map(
    studies.flatMap(({ rows }) => rows.map(({ method, config }) => [method, ownName(method, config.search)])),
  );
  const looks = new Map<string, Look>();
  const lookOf = (name: string) => (Object.hasOwn(shippedLooks, name) ? shippedLooks[name] : undefined);
  const give = (name: string, look: Look | undefined) => {
    if (look === undefined || looks.has(name) || [...looks.values()].includes(look)) return;
    looks.set(name, look);
  };
  for (const name of names) give(name, lookOf(name));
  for (const name of names) give(name, lookOf(behind.get(name) ?? name));
  for (const name of names) give(name, leftOver([...looks.values()]));
  return Object.fromEntries(names.map((name) => [name, looks.get(name)!]));
}

/** The colour that the fewest have, with a symbol that it is not drawn with yet and that the fewest have. */
function leftOver(looks: readonly Look[]): Look {
  const rarest = <T>(all: readonly T[], uses: (one: T) => number): T =>
    all.reduce((a, b) => (uses(b) < uses(a) ? b : a));
  const color = rarest(COLORS, (one) => looks.filter((look) => look.color === one).length);
  const symbol = rarest(SYMBOLS, (one) => {
    const same = looks.filter((look) => look.symbol === one);
    return same.length + looks.length * same.filter((look) => look.color === color).length;
  });
  return { color, symbol };
}
