/** The arrays of a layout, on the host: made from the addresses of the numbers that exist, and read back to them. */
import { hasBit, popcount, setBit, wordsOf } from "./bits.ts";
import type { ElementScheme } from "./elements.ts";
import { columnBits, type ElementCounts, type ElementLayout, RANK_WORDS, rankCounts } from "./layouts.ts";

/** Index arrays by name; what each layout has is in `layouts.ts`. */
export type IndexArrays = ReadonlyMap<string, Uint32Array>;

/** row x dim + column of every number, over the rows of the fields that have any; ascending. */
export function addressesOf(scheme: ElementScheme): Uint32Array {
  const out = new Uint32Array(scheme.parameters);
  let filled = 0;
  let base = 0;
  scheme.fields.forEach(({ rows }, f) => {
    if (scheme.count(f) === 0) return;
    scheme.eachNumber(f, (address) => {
      out[filled++] = base + address;
    });
    base += rows * scheme.base;
  });
  return out;
}

/**
 * The arrays of `layout` for K > 0 numbers at `addresses` (row x dim + column over the rows of `counts`, ascending):
 * bitmask: `mask` and `maskCounts`; row-bitmask: `rows` and `rowCounts` beside them; csr: `starts` and `columns`; coo: `addresses`.
 */
export function packIndex(layout: ElementLayout, addresses: Uint32Array, counts: ElementCounts): IndexArrays {
  const { rows, dim, filledRows } = counts;
  switch (layout) {
    case "bitmask": {
      const mask = new Uint32Array(wordsOf(rows * dim));
      for (const p of addresses) setBit(mask, p);
      return new Map([
        ["mask", mask],
        ["maskCounts", countsBefore(mask, rows * dim)],
      ]);
    }
    case "row-bitmask": {
      const filled = new Uint32Array(wordsOf(rows));
      const mask = new Uint32Array(wordsOf(filledRows * dim));
      let last = -1;
      let place = -1;
      for (const p of addresses) {
        const row = Math.floor(p / dim);
        if (row !== last) place++;
        last = row;
        setBit(filled, row);
        setBit(mask, place * dim + (p % dim));
      }
      return new Map([
        ["rows", filled],
        ["rowCounts", countsBefore(filled, rows)],
        ["mask", mask],
        ["maskCounts", countsBefore(mask, filledRows * dim)],
      ]);
    }
    case "csr": {
      const starts = new Uint32Array(rows + 1);
      const bits = columnBits(dim);
      const columns = new Uint32Array(wordsOf(addresses.length * bits));
      addresses.forEach((p, k) => {
        starts[Math.floor(p / dim) + 1]!++;
        const at = k * bits;
        columns[Math.floor(at / 32)]! |= (p % dim) << (at % 32);
      });
      for (let row = 0; row < rows; row++) starts[row + 1]! += starts[row]!;
      return new Map([
        ["starts", starts],
        ["columns", columns],
      ]);
    }
    case "coo":
      return new Map([["addresses", addresses]]);
  }
}

/** The addresses that packIndex was given; undefined if the arrays contradict each other. `numbers` is K. */
export function unpackIndex(
  layout: ElementLayout,
  arrays: IndexArrays,
  { rows, dim }: Pick<ElementCounts, "rows" | "dim">,
  numbers: number,
): Uint32Array | undefined {
  const out = new Uint32Array(numbers);
  let filled = 0;
  const put = (address: number): boolean => {
    const fits = filled < numbers && address < rows * dim && (filled === 0 || address > out[filled - 1]!);
    if (fits) out[filled++] = address;
    return fits;
  };
  const whole = walk(layout, arrays, { rows, dim, numbers }, put);
  return whole && filled === numbers ? out : undefined;
}

function walk(
  layout: ElementLayout,
  arrays: IndexArrays,
  { rows, dim, numbers }: { readonly rows: number; readonly dim: number; readonly numbers: number },
  put: (address: number) => boolean,
): boolean {
  const get = (name: string) => arrays.get(name) ?? new Uint32Array(0);
  const within = (words: Uint32Array, bit: number) => bit < words.length * 32 && hasBit(words, bit);
  switch (layout) {
    case "bitmask":
      for (let p = 0; p < rows * dim; p++) if (within(get("mask"), p) && !put(p)) return false;
      return true;
    case "row-bitmask": {
      let place = 0;
      for (let row = 0; row < rows; row++) {
        if (!within(get("rows"), row)) continue;
        for (let j = 0; j < dim; j++) {
          if (within(get("mask"), place * dim + j) && !put(row * dim + j)) return false;
        }
        place++;
      }
      return true;
    }
    case "csr": {
      const starts = get("starts");
      const columns = get("columns");
      const bits = columnBits(dim);
      if (starts.length !== rows + 1 || columns.length !== wordsOf(numbers * bits)) return false;
      for (let row = 0; row < rows; row++) {
        for (let k = starts[row]!; k < Math.min(starts[row + 1]!, numbers); k++) {
          const at = k * bits;
          const column = (columns[Math.floor(at / 32)]! >>> (at % 32)) & (2 ** bits - 1);
          if (column >= dim || !put(row * dim + column)) return false;
        }
      }
      return starts[rows] === numbers;
    }
    case "coo":
      return get("addresses").every(put);
  }
}

/** How many of the `bits` bits are set before each group of RANK_WORDS words. */
function countsBefore(words: Uint32Array, bits: number): Uint32Array {
  const counts = new Uint32Array(rankCounts(bits));
  let before = 0;
  words.forEach((word, w) => {
    if (w % RANK_WORDS === 0) counts[w / RANK_WORDS] = before;
    before += popcount(word);
  });
  return counts;
}
