/** Which part of the y axis is drawn: a few methods that collapse would squeeze all others into one line. */

export interface Drawn {
  readonly y: number;
  /** y without and with its noise. */
  readonly low: number;
  readonly high: number;
}

export interface Range {
  readonly domain: readonly [number, number];
  /** Points that lie below it. */
  readonly below: number;
}

/** Points that may be left out: at most this share of all. */
const SHARE = 0.25;
/** They are where all points take more than so many times the room that the others take. */
const SQUEEZED = 3;
const MARGIN = 0.06;
/** Least room, so that equal points do not look far apart. */
const LEAST = 0.0005;

/** Everything, unless leaving the lowest quarter out gives the others more than three times the room. */
export function rangeOf(spots: readonly Drawn[]): Range {
  const high = Math.max(...spots.map((s) => s.high));
  const sorted = [...spots].sort((a, b) => b.y - a.y);
  const others = sorted.slice(0, Math.ceil(spots.length * (1 - SHARE)));
  // the lines of those left out go down from the lowest of the others
  const floor = others.at(-1)!.y;
  const squeezed = high - sorted.at(-1)!.y > SQUEEZED * Math.max(high - floor, LEAST);
  const low = squeezed ? floor : Math.min(...spots.map((s) => s.low));
  const room = Math.max(high - low, LEAST) * MARGIN;
  const domain = [low - room, high + room] as const;
  return { domain, below: spots.filter(({ y }) => y < domain[0]).length };
}
