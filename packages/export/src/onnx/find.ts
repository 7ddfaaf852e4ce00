/**
 * Where the numbers of looked-up rows lie in the list of values, for each layout of an element mask, in operators of ONNX: the index is in the
 * file as it is served, bit for bit. Everything is int64, in which words of 32 bits have room; a shift is a product with a power of two.
 */
import type { ElementLayout } from "@trimtab/embeddings";
import type { Graph, Value } from "./graph.ts";
import type { Ops } from "./ops.ts";

/** Bits before each 16 words of a bitset are counted in the index. */
const RANK_WORDS = 16;

export interface FindOptions {
  readonly layout: ElementLayout;
  /** Index arrays by name, u32 [n]. */
  readonly index: ReadonlyMap<string, Uint32Array>;
  /** Places of a row: numbers, or chunks. */
  readonly dim: number;
  /** Values that exist. */
  readonly numbers: number;
  /** Most values of a row. */
  readonly largest: number;
}

/** For rows [B, S]: whether each of a row's places exists (bool) and its place in the list, both [B, S, dim]. */
export interface Found {
  readonly exists: Value;
  /** Below `numbers` everywhere, meaningful where the value exists. */
  readonly place: Value;
}

/** The operators that find values, over index arrays that are put into the graph once. */
export class Finder {
  readonly #ops: Ops;
  readonly #graph: Graph;
  readonly #options: FindOptions;
  readonly #index: ReadonlyMap<string, Value>;

  constructor(ops: Ops, options: FindOptions) {
    this.#ops = ops;
    this.#graph = ops.graph;
    this.#options = options;
    this.#index = new Map(
      [...options.index].map(([name, words]) => [name, ops.graph.constant("u32", [words.length], words)]),
    );
  }

  find(rows: Value): Found {
    const { layout, numbers } = this.#options;
    const { exists, place } =
      layout === "bitmask"
        ? this.#inBits(this.#ops.mul(rows, this.#options.dim))
        : layout === "row-bitmask"
          ? this.#inFilledRows(rows)
          : layout === "csr"
            ? this.#inColumns(rows)
            : this.#inAddresses(rows);
    return { exists, place: this.#ops.min(place, numbers - 1) };
  }

  #word(name: string, at: Value): Value {
    const last = this.#options.index.get(name)!.length - 1;
    return this.#ops.words(this.#index.get(name)!, this.#ops.min(at, last));
  }

  /** 2^n for n 0 to 32. */
  #power(n: Value): Value {
    const powers = this.#graph.ints(Array.from({ length: 33 }, (_, i) => 2 ** i));
    return this.#ops.gather(powers, n);
  }

  /** Bit p of a bitset, 0 or 1. */
  #bit(name: string, p: Value): Value {
    const o = this.#ops;
    return o.mod(o.div(this.#word(name, o.div(p, 32)), this.#power(o.mod(p, 32))), 2);
  }

  /** Set bits before bit p, for p [B, S]: the count before its group of words, and the bits below p in the group. */
  #rank(words: string, counts: string, p: Value): Value {
    const o = this.#ops;
    const group = o.div(p, 32 * RANK_WORDS);
    const word = o.add(o.unsqueeze(o.mul(group, RANK_WORDS), 2), o.iota(RANK_WORDS));
    const below = o.max(o.min(o.sub(o.unsqueeze(p, 2), o.mul(word, 32)), 32), 0);
    const left = o.bits(this.#word(words, word), o.sub(this.#power(below), 1));
    return o.add(this.#word(counts, group), o.sum(this.#popcount(left), 2));
  }

  #popcount(x: Value): Value {
    const o = this.#ops;
    const pairs = o.sub(x, o.bits(o.div(x, 2), 0x55555555));
    const nibbles = o.add(o.bits(pairs, 0x33333333), o.bits(o.div(pairs, 4), 0x33333333));
    const bytes = o.bits(o.add(nibbles, o.div(nibbles, 16)), 0x0f0f0f0f);
    return o.bits(o.div(o.mul(bytes, 0x01010101), 2 ** 24), 0xff);
  }

  /** Rows of `dim` bits that begin at `start` [B, S]. */
  #inBits(start: Value): Found {
    const o = this.#ops;
    const bit = this.#bit("mask", o.add(o.unsqueeze(start, 2), o.iota(this.#options.dim)));
    const inside = this.#graph.op("CumSum", [bit, this.#graph.ints(2)], { exclusive: 1n });
    const before = o.unsqueeze(this.#rank("mask", "maskCounts", start), 2);
    return { exists: o.equal(bit, 1), place: o.add(inside, before) };
  }

  #inFilledRows(rows: Value): Found {
    const o = this.#ops;
    const filled = o.equal(this.#bit("rows", rows), 1);
    // an empty row looks at the first filled one, and finds nothing there
    const row = o.where(filled, this.#rank("rows", "rowCounts", rows), 0);
    const found = this.#inBits(o.mul(row, this.#options.dim));
    return { exists: o.and(found.exists, o.unsqueeze(filled, 2)), place: found.place };
  }

  #inColumns(rows: Value): Found {
    const o = this.#ops;
    const { dim, largest } = this.#options;
    // the smallest of 1, 2, 4, 8, 16 bits that hold a column
    let bits = 1;
    while (2 ** bits < dim) bits *= 2;
    const perWord = 32 / bits;
    const columnAt = (place: Value) => {
      const word = this.#word("columns", o.div(place, perWord));
      return o.mod(o.div(word, this.#power(o.mul(o.mod(place, perWord), bits))), 2 ** bits);
    };
    const low = o.unsqueeze(this.#word("starts", rows), 2);
    const high = o.unsqueeze(this.#word("starts", o.add(rows, 1)), 2);
    const columns = o.iota(dim);
    const place = this.#lowerBound(low, high, largest, columns, columnAt);
    return { exists: o.and(o.less(place, high), o.equal(columnAt(this.#last(place)), columns)), place };
  }

  #inAddresses(rows: Value): Found {
    const o = this.#ops;
    const { dim, numbers, largest } = this.#options;
    const addressAt = (place: Value) => this.#word("addresses", place);
    const first = o.mul(rows, dim);
    const zero = o.mul(rows, 0);
    const start = this.#lowerBound(zero, o.add(zero, numbers), numbers, first, addressAt);
    const low = o.unsqueeze(start, 2);
    const high = o.min(o.add(low, largest), numbers);
    const target = o.add(o.unsqueeze(first, 2), o.iota(dim));
    const place = this.#lowerBound(low, high, largest, target, addressAt);
    const exists = o.and(o.less(place, numbers), o.equal(addressAt(this.#last(place)), target));
    return { exists, place };
  }

  #last(place: Value): Value {
    return this.#ops.min(place, this.#options.numbers - 1);
  }

  /** The first place of low .. high-1, of which there are at most `places`, with a key that is not below the target. */
  #lowerBound(from: Value, to: Value, places: number, target: Value, keyAt: (place: Value) => Value): Value {
    const o = this.#ops;
    let low = from;
    let high = to;
    for (let step = Math.ceil(Math.log2(places + 1)); step > 0; step--) {
      const middle = o.add(low, o.div(o.sub(high, low), 2));
      const right = o.and(o.less(low, high), o.less(keyAt(this.#last(middle)), target));
      low = o.where(right, o.add(middle, 1), low);
      high = o.where(right, high, middle);
    }
    return low;
  }
}
