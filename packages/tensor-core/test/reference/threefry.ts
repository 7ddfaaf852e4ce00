/** Threefry-2x32 with 20 rounds (Salmon et al., SC'11), straight from the paper; used only to test engines. */

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;

/** Both words for key (k0, k1) and counter (c0, c1). */
export function threefryBlock(k0: number, k1: number, c0: number, c1: number): [number, number] {
  const keys = [k0, k1, (0x1bd11bda ^ k0 ^ k1) >>> 0];
  let x = (c0 + k0) >>> 0;
  let y = (c1 + k1) >>> 0;
  for (let round = 0; round < 20; round++) {
    const r = ROTATIONS[round % 8]!;
    x = (x + y) >>> 0;
    y = ((y << r) | (y >>> (32 - r))) >>> 0;
    y = (y ^ x) >>> 0;
    if (round % 4 === 3) {
      const s = (round + 1) / 4;
      x = (x + keys[s % 3]!) >>> 0;
      y = (y + keys[(s + 1) % 3]! + s) >>> 0;
    }
  }
  return [x, y];
}

export function threefry2x32(k0: number, k1: number, c0: number, c1: number): number {
  return threefryBlock(k0, k1, c0, c1)[0];
}
