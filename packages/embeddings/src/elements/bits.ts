/** Bitsets in 32-bit words: bit p is bit p % 32 of word p / 32. Addresses of bits stay below 2^32. */

export function wordsOf(bits: number): number {
  return Math.ceil(bits / 32);
}

/** Set bits of a 32-bit word. */
export function popcount(word: number): number {
  let v = word - ((word >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

export function hasBit(words: Uint32Array, bit: number): boolean {
  return ((words[bit >>> 5]! >>> (bit & 31)) & 1) === 1;
}

export function setBit(words: Uint32Array, bit: number): void {
  words[bit >>> 5]! |= 1 << (bit & 31);
}

/** Set bits among from .. to-1. */
export function countBits(words: Uint32Array, from: number, to: number): number {
  if (from >= to) return 0;
  const first = from >>> 5;
  const last = (to - 1) >>> 5;
  const head = 0xffffffff << (from & 31);
  const tail = 0xffffffff >>> (31 - ((to - 1) & 31));
  if (first === last) return popcount(words[first]! & head & tail);
  let n = popcount(words[first]! & head) + popcount(words[last]! & tail);
  for (let w = first + 1; w < last; w++) n += popcount(words[w]!);
  return n;
}

/** Calls `visit` with every set bit, ascending. */
export function eachBit(words: Uint32Array, visit: (bit: number) => void): void {
  words.forEach((word, w) => {
    for (let rest = word; rest !== 0; rest &= rest - 1) visit(w * 32 + 31 - Math.clz32(rest & -rest));
  });
}

/** Base64 of the words' bytes, lowest byte first on every machine. */
export function encodeWords(words: Uint32Array): string {
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  words.forEach((word, i) => {
    view.setUint32(i * 4, word, true);
  });
  return Buffer.from(bytes.buffer).toString("base64");
}

/** The words of encodeWords; undefined where the text is not base64 of whole words. */
export function decodeWords(text: string): Uint32Array | undefined {
  const bytes = Buffer.from(text, "base64");
  // Buffer skips what is not base64; writing it back tells
  if (bytes.length % 4 !== 0 || bytes.toString("base64") !== text) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Uint32Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(i * 4, true));
}
