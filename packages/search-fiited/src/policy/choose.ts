/** Which chunks are live after an adjustment. */
import { cutoff, take } from "./select.ts";

export interface ChooseOptions {
  /** K */
  readonly chunks: number;
  /** One threshold for all, or one for each chunk column, which then keeps its share of the count. */
  readonly thresholds: "global" | "column";
  /** Utilities that a quantile is estimated from. */
  readonly sample: number;
}

/** Chunks that are compared with each other. */
interface Group {
  readonly scores: Float32Array;
  /** Which chunks they are; undefined: all. */
  readonly members?: Uint32Array;
}

/** The most chunks that `joining` puts in order: their places and scores share 53 bits. */
export const MOST_JOINING = 2 ** 21;

/**
 * The largest scores, as many as are wanted: of all, or by column. Then each column keeps count / K, and what a column cannot fill goes
 * to the others. Who is taken for one count is taken for every larger one.
 */
export class Choice {
  readonly #size: number;
  readonly #sample: number;
  readonly #groups: readonly Group[];

  /** `columnOf`: 0 to K - 1 for each score. */
  constructor(scores: Float32Array, columnOf: Uint16Array, options: ChooseOptions) {
    const { chunks, thresholds, sample } = options;
    this.#size = scores.length;
    this.#sample = sample;
    const whole = thresholds === "global" || chunks === 1;
    this.#groups = whole ? [{ scores }] : columnsOf(scores, columnOf, chunks);
  }

  /** Marks the `count` chunks of the largest scores (all, where there are fewer) with 1, the others with 0. */
  take(count: number): Uint8Array {
    const taken = new Uint8Array(this.#size);
    const quotas = this.#quotas(count);
    this.#groups.forEach(({ scores, members }, g) => {
      const cut = cutoff(scores, quotas[g]!, this.#sample);
      const marks = members ? new Uint8Array(scores.length) : taken;
      take(scores, cut, marks);
      members?.forEach((i, at) => {
        taken[i] = marks[at]!;
      });
    });
    return taken;
  }

  /**
   * Who is taken for `to` chunks and is not marked in `taken`, which `take(from)` gave: in the order in which they join as the count
   * rises. `to` is at most `from` + MOST_JOINING.
   */
  joining(taken: Uint8Array, from: number, to: number): Uint32Array {
    const wider = this.take(to);
    const lists = this.#groups.map(({ scores, members }) => {
      const list: number[] = [];
      for (let at = 0; at < scores.length; at++) {
        const i = members ? members[at]! : at;
        if (wider[i] === 1 && taken[i] === 0) list.push(at);
      }
      const order = byScore(list, scores);
      return members ? order.map((at) => members[at]!) : order;
    });
    if (lists.length === 1) return lists[0]!;
    // columns fill up side by side, the first ones first
    const quotas = this.#quotas(from);
    const out = new Uint32Array(lists.reduce((n, list) => n + list.length, 0));
    for (let n = 0, level = Math.min(...quotas); n < out.length; level++) {
      lists.forEach((list, g) => {
        const i = list[level - quotas[g]!];
        if (i !== undefined) out[n++] = i;
      });
    }
    return out;
  }

  #quotas(count: number): number[] {
    return quotasOf(
      this.#groups.map(({ scores }) => scores.length),
      count,
    );
  }
}

function columnsOf(scores: Float32Array, columnOf: Uint16Array, chunks: number): Group[] {
  const counts = new Uint32Array(chunks);
  for (let i = 0; i < columnOf.length; i++) counts[columnOf[i]!]!++;
  const groups = Array.from(counts, (n) => ({ scores: new Float32Array(n), members: new Uint32Array(n) }));
  counts.fill(0);
  for (let i = 0; i < columnOf.length; i++) {
    const k = columnOf[i]!;
    const at = counts[k]!++;
    groups[k]!.members[at] = i;
    groups[k]!.scores[at] = scores[i]!;
  }
  return groups;
}

/** The places of a list by falling score; those of one score stay in their order. Scores are 0 or more, so that their bits sort as they do. */
function byScore(list: readonly number[], scores: Float32Array): Uint32Array {
  const bits = new Uint32Array(scores.buffer, scores.byteOffset, scores.length);
  const keys = new Float64Array(list.length);
  for (let n = 0; n < keys.length; n++) keys[n] = (0x7fff_ffff - bits[list[n]!]!) * MOST_JOINING + n;
  keys.sort();
  const out = new Uint32Array(list.length);
  for (let n = 0; n < out.length; n++) {
    const key = keys[n]!;
    out[n] = list[key - Math.floor(key / MOST_JOINING) * MOST_JOINING]!;
  }
  return out;
}

/** `count` in equal shares over columns of these sizes, the rest to the first ones; nobody gets more than it has. */
export function quotasOf(sizes: readonly number[], count: number): number[] {
  const quotas = sizes.map(() => 0);
  let left = Math.min(
    count,
    sizes.reduce((a, b) => a + b, 0),
  );
  while (left > 0) {
    const open = sizes.flatMap((size, k) => (quotas[k]! < size ? [k] : []));
    const share = Math.floor(left / open.length);
    let given = 0;
    open.forEach((k, i) => {
      const more = Math.min(sizes[k]! - quotas[k]!, share > 0 ? share : i < left ? 1 : 0);
      quotas[k]! += more;
      given += more;
    });
    left -= given;
  }
  return quotas;
}
