/** The values of a draw, computed here: the words and the formula of tensor-core's `randomNormal`, for small variables. */
import { columnKey, type Draw } from "./initial.ts";

/** Numbers written to the device at a time. */
const CHUNK = 1 << 20;

/** Fills the draw's variable from the host. */
export function hostNormals(draw: Draw, seed: number): void {
  const { variable, std } = draw;
  const chunk = new Float32Array(Math.min(CHUNK, variable.size));
  let filled = 0;
  let written = 0;
  const flush = () => {
    if (filled > 0) variable.write(chunk.subarray(0, filled), written);
    written += filled;
    filled = 0;
  };
  eachNumber(draw, (key, row) => {
    chunk[filled++] = std * normalOf(threefry(key, seed >>> 0, row));
    if (filled === chunk.length) flush();
  });
  flush();
}

/** Calls `visit` with the key and the row of every number of the variable, in order. */
function eachNumber(draw: Draw, visit: (key: number, row: number) => void): void {
  if (!("addresses" in draw)) {
    for (const { rows, keys } of draw.blocks) {
      for (let row = 0; row < rows; row++) for (const key of keys) visit(key, row);
    }
    return;
  }
  const { addresses, dim, numberBlocks } = draw;
  let block = 0;
  let base = 0;
  for (const address of addresses) {
    const row = Math.floor(address / dim);
    while (row - base >= numberBlocks[block]!.rows) base += numberBlocks[block++]!.rows;
    visit(columnKey(numberBlocks[block]!.field, address % dim), row - base);
  }
}

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;

/** First word of Threefry-2x32 with 20 rounds (Salmon et al., SC'11): key (k0, k1), counter (0, c1). */
export function threefry(k0: number, k1: number, c1: number): number {
  const k2 = 0x1bd11bda ^ k0 ^ k1;
  let x0 = k0 | 0;
  let x1 = (c1 + k1) | 0;
  for (let i = 0; i < 5; i++) {
    const from = (i & 1) * 4;
    for (let r = from; r < from + 4; r++) {
      const by = ROTATIONS[r]!;
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << by) | (x1 >>> (32 - by))) ^ x0;
    }
    // after every fourth round the next two of the three keys go in
    const j = (i + 1) % 3;
    x0 = (x0 + (j === 0 ? k0 : j === 1 ? k1 : k2)) | 0;
    x1 = (x1 + (j === 0 ? k1 : j === 1 ? k2 : k0) + i + 1) | 0;
  }
  return x0 >>> 0;
}

const CENTRAL = [
  2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 0.00021858087, -0.00125372503, -0.00417768164,
  0.246640727, 1.50140941,
];
const TAIL = [
  -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047,
  1.00167406, 2.83297682,
];

/** A standard normal from 32 random bits: sqrt(2) erfinv(2u - 1) by Giles' polynomials (2011), as on the device. */
export function normalOf(bits: number): number {
  const u = ((bits >>> 9) + 0.5) * 2 ** -23;
  const w = -Math.log(4 * u * (1 - u));
  const y = w < 5 ? polynomial(w - 2.5, CENTRAL) : polynomial(Math.sqrt(w) - 3, TAIL);
  return Math.SQRT2 * y * (2 * u - 1);
}

function polynomial(x: number, coefficients: readonly number[]): number {
  let y = coefficients[0]!;
  for (let i = 1; i < coefficients.length; i++) y = y * x + coefficients[i]!;
  return y;
}
