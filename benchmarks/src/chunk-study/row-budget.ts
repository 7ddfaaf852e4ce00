/**
 * The largest budget of row pruning whose own total training bytes are within a target. No formula gives them exactly, since the map and the
 * stack of free addresses grow with the history of a run; so whole trainings are the probes, each told what it needed, and the next
 * budget follows from those known: by what a row costs, and between bounds once there are two.
 */

/** A training that is known: its budget in rows, and the bytes it needed. */
export interface Probe {
  readonly rows: number;
  readonly bytes: number;
}

export interface RowBudget {
  /** Bytes that must not be exceeded. */
  readonly target: number;
  /** Fewest and most rows that may be asked for. */
  readonly least: number;
  readonly most: number;
  /** What another row costs, about. */
  readonly rowBytes: number;
  /** What is known of other runs, as a first guess: it bounds nothing. */
  readonly hints?: readonly Probe[];
  /** So near to the target, or to a budget that is too much, is near enough; as a share of the rows. */
  readonly tolerance: number;
}

/** Train with so many rows and ask again; take the training that is known; or nothing fits. */
export type RowStep =
  | { readonly step: "train"; readonly rows: number }
  | { readonly step: "take"; readonly rows: number }
  | { readonly step: "impossible" };

/** Ends: each training asked for lies strictly between the bounds known, and well away from them. */
export function nextRowBudget(known: readonly Probe[], budget: RowBudget): RowStep {
  const { target, least, most, rowBytes, tolerance } = budget;
  if (most < least) return { step: "impossible" };
  const fitting = known.filter(({ bytes, rows }) => bytes <= target && rows >= least && rows <= most);
  const best = largest(fitting);
  const over = known.filter(({ rows, bytes }) => bytes > target && rows > (best?.rows ?? 0));
  const bound = over.length > 0 ? Math.min(...over.map(({ rows }) => rows)) : most + 1;
  if (!best && bound <= least) return { step: "impossible" };
  if (best) {
    // in bytes of rows, not of everything: where few rows are left the rest of a store is most of it
    const close = target - best.bytes <= tolerance * best.rows * rowBytes || best.rows === most;
    if (close || bound - best.rows <= Math.max(1, tolerance * best.rows))
      return { step: "take", rows: best.rows };
  }
  const low = best ? best.rows : least - 1;
  const off = ({ bytes }: Probe) => Math.abs(bytes - target);
  const nearest = (probes: readonly Probe[]) =>
    probes.reduce<Probe | undefined>((a, b) => (a && off(a) <= off(b) ? a : b), undefined);
  // half the tolerance below the target: what is a little too much is worth nothing
  const guessFrom = ({ rows, bytes }: Probe = { rows: 0, bytes: 0 }) =>
    (1 - tolerance / 2) * (rows + (target - bytes) / slopeOf(known, rowBytes));
  const hinted = guessFrom(nearest([...known, ...(budget.hints ?? [])]));
  // a guess near to what was trained already is no news: what was trained tells more than the hint
  const tried = known.some(({ rows }) => Math.abs(rows - hinted) <= 2 * tolerance * rows);
  const guess = tried ? guessFrom(nearest(known)) : hinted;
  // away from either bound by what could end the search; where that was tried and was not enough (a jump of the map), far away
  const two = best !== undefined && bound <= most;
  const crept = known.some(({ rows }) => rows !== low && rows !== bound && near(rows, low, bound, tolerance));
  const half = two ? (bound - low) / 2 : Number.POSITIVE_INFINITY;
  const away = (from: number) => Math.min(half, crept ? from / 2 : tolerance * from);
  const up = best ? away(low) : 0;
  const down = bound <= most ? away(bound) : 0;
  const rows = Math.round(Math.max(low + up, Math.min(bound - down, guess)));
  return { step: "train", rows: Math.max(low + 1, Math.min(bound - 1, rows)) };
}

function largest(probes: readonly Probe[]): Probe | undefined {
  return probes.reduce<Probe | undefined>((a, b) => (a && a.rows >= b.rows ? a : b), undefined);
}

/** True if a training lies just outside of the bounds: one more step from there has been tried. */
function near(rows: number, low: number, bound: number, tolerance: number): boolean {
  const outside = rows < low ? low - rows : rows - bound;
  return outside > 0 && outside <= 2 * tolerance * rows;
}

/** Bytes a row, by what is known where that says more than the estimate; never far from it, because maps grow by jumps. */
function slopeOf(known: readonly Probe[], rowBytes: number): number {
  const few = known.reduce<Probe | undefined>((a, b) => (a && a.rows <= b.rows ? a : b), undefined);
  const many = largest(known);
  if (!few || !many || few.rows === many.rows) return rowBytes;
  const slope = (many.bytes - few.bytes) / (many.rows - few.rows);
  return Math.max(rowBytes / 4, Math.min(4 * rowBytes, slope));
}
