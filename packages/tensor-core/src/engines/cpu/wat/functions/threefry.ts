/** Threefry-2x32 with 20 rounds (Salmon et al., SC'11): rotations 13 15 26 6 17 29 16 24, a key injection every 4 rounds. */
import { bits, i32, i32Const, rotateBytes, type Step, shl, shrU, wasmFunction } from "./text.ts";

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24];
const KEYS = ["$k0", "$k1", "$k2"];

/** One look-up where the rotation is by whole bytes. */
const rotate = (a: string, by: number): string =>
  by % 8 === 0 ? rotateBytes(a, by / 8) : bits.or(shl(a, by), shrU(a, 32 - by));

const rounds: Step[] = [];
for (let round = 0; round < 20; round++) {
  rounds.push(["$x", i32.add("$x", "$y")]);
  // The first word is the result, so the last round need not finish the second.
  if (round < 19) rounds.push(["$y", bits.xor(rotate("$y", ROTATIONS[round % 8]!), "$x")]);
  if (round % 4 === 3) {
    const injection = (round + 1) / 4;
    rounds.push(["$x", i32.add("$x", KEYS[injection % 3]!)]);
    if (round < 19)
      rounds.push(["$y", i32.add("$y", i32.add(KEYS[(injection + 1) % 3]!, i32Const(injection)))]);
  }
}

/** The first word for key (k0, k1) and counter (c0, c1). */
export const threefry = wasmFunction(
  "threefry",
  ["$k0", "$k1", "$c0", "$c1"],
  [
    ["$k2", bits.xor(bits.xor("$k0", "$k1"), i32Const(0x1bd11bda))],
    ["$x", i32.add("$c0", "$k0")],
    ["$y", i32.add("$c1", "$k1")],
    ...rounds,
  ],
  "$x",
);
