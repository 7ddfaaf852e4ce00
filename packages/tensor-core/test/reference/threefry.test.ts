import { expect, test } from "bun:test";
import { threefryBlock } from "./threefry.ts";

// known-answer vectors of the Random123 distribution (kat_vectors, threefry2x32 with 20 rounds)
test("threefry2x32-20 known answers", () => {
  expect(threefryBlock(0, 0, 0, 0)).toEqual([0x6b200159, 0x99ba4efe]);
  expect(threefryBlock(0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff)).toEqual([0x1cb996fc, 0xbb002be7]);
  expect(threefryBlock(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3)).toEqual([0xc4923a9c, 0x483df7a0]);
});
