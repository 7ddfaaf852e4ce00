/** What does not fit is refused while the graph is built, with the op's name and both shapes. */
import { describe, expect, test } from "bun:test";
import * as t from "../../src/index.ts";
import { makePlan } from "../plans.ts";
import { looseVariable } from "../variables.ts";

const x = t.input("x", [2, 3]);
const n = t.input("n", [2], "u32");
const table = looseVariable("emb", [5, 4]);
const plan = makePlan("p", [0, 1]).inputs;

const shapeErrors: readonly [string, () => unknown, RegExp][] = [
  [
    "broadcast",
    () => t.add(x, t.input("y", [4])),
    /add: shapes \[2, 3\] and \[4\] do not broadcast \(axis 1 has 3 and 4\)/,
  ],
  ["where", () => t.where(t.gt(x, 0), t.input("y", [4]), 0), /where: shapes \[2, 3\] and \[4\]/],
  ["reshape", () => t.reshape(x, [4, 2]), /reshape: \[2, 3\] \(6 elements\) cannot become \[4, 2\]/],
  ["reshape by two unknowns", () => t.reshape(x, [-1, -1]), /cannot become \[-1, -1\]/],
  [
    "reshape of nothing to an unknown",
    () => t.reshape(t.input("e", [0]), [0, -1]),
    /cannot become \[0, -1\]/,
  ],
  ["permute", () => t.permute(x, [0, 0]), /permute: order \[0, 0\] does not fit shape \[2, 3\]/],
  ["transpose", () => t.transpose(n), /transpose: needs at least 2 axes, got shape \[2\]/],
  ["broadcastTo", () => t.broadcastTo(x, [3]), /broadcastTo: \[2, 3\] cannot become \[3\]/],
  [
    "slice",
    () => t.slice(x, [0, 1], [2, 4]),
    /slice: \[0, 1\] to \[2, 4\] does not lie inside shape \[2, 3\]/,
  ],
  ["concat of nothing", () => t.concat([], 0), /concat: needs at least one tensor/],
  [
    "concat of other extents",
    () => t.concat([x, t.input("y", [3, 3])], 1),
    /concat: f32 \[3, 3\] does not join f32 \[2, 3\] along axis 1/,
  ],
  ["concat along no axis", () => t.concat([x], 2), /concat: axis 2 is out of range for shape \[2, 3\]/],
  ["a fold's axis", () => t.sum(x, [2]), /sum: axis 2 is out of range for a tensor of 2 axes/],
  ["a fold's axis twice", () => t.sum(x, [1, -1]), /sum: axis named twice/],
  [
    "max over nothing",
    () => t.max(t.input("e", [0, 2]), [0]),
    /max: shape \[0, 2\] has nothing to fold along axes \[0\]/,
  ],
  ["mean over nothing", () => t.mean(t.input("e", [0])), /mean: shape \[0\] has no element/],
  [
    "matmul",
    () => t.matmul(x, t.input("y", [2, 3])),
    /matmul: \[2, 3\] x \[2, 3\]: needs \[.., m, k\] x \[.., k, n\]/,
  ],
  [
    "gather from a vector",
    () => t.gather(t.input("v", [5]), n),
    /gather: the table must be \[rows, dim\], got \[5\]/,
  ],
  [
    "gather with another plan",
    () => t.gather(table.value, t.input("ids", [3], "u32"), plan),
    /plan "p" is for 2 ids, but ids are \[3\]/,
  ],
  [
    "segmentSum",
    () => t.segmentSum(t.input("g", [3, 4]), plan),
    /segmentSum: needs f32 \[2, dim\] for plan "p", got f32 \[3, 4\]/,
  ],
  [
    "touched",
    () => t.touched(t.input("g", [3, 4]), plan),
    /touched: needs \[2, dim\] for plan "p", got \[3, 4\]/,
  ],
  ["assign", () => t.assign(table, x), /variable "emb" is f32 \[5, 4\], the value is f32 \[2, 3\]/],
  [
    "assignRows",
    () => t.assignRows(table, x, plan),
    /variable "emb" needs f32 \[2, 4\], the value is f32 \[2, 3\]/,
  ],
  ["an extent below 0", () => t.input("bad", [2, -1]), /must hold whole numbers of at least 0/],
  ["nine axes", () => t.input("bad", [1, 1, 1, 1, 1, 1, 1, 1, 1]), /more than 8 axes/],
];

const dtypeErrors: readonly [string, () => unknown, RegExp][] = [
  ["unary of integers", () => t.exp(n), /exp: takes f32, got u32; cast it first/],
  ["mixed operands", () => t.add(n, t.input("y", [2])), /add: dtypes u32 and f32 differ; cast one/],
  ["bit operations of f32", () => t.xor(x, 1), /xor: takes u32, got f32/],
  ["pow of integers", () => t.pow(n, 2), /pow: takes f32, got u32/],
  ["a condition of f32", () => t.where(x, 1, 0), /where: the condition must be u32, got f32/],
  ["a fraction as an integer", () => t.add(n, 0.5), /constant: 0.5 is not a whole number, as u32 needs/],
  [
    "matmul of integers",
    () => t.matmul(t.cast(x, "i32"), t.cast(x, "i32")),
    /matmul: takes f32, got i32 and i32/,
  ],
  ["ids of f32", () => t.gather(table.value, t.input("ids", [2])), /gather: ids must be u32, got f32/],
  ["threefry of f32", () => t.threefry(x, 0, 0, 0), /threefry: takes u32, got f32/],
];

describe("ShapeError", () => {
  for (const [name, build, message] of shapeErrors) {
    test(name, () => {
      expect(build).toThrow(t.ShapeError);
      expect(build).toThrow(message);
    });
  }
});

describe("DTypeError", () => {
  for (const [name, build, message] of dtypeErrors) {
    test(name, () => {
      expect(build).toThrow(t.DTypeError);
      expect(build).toThrow(message);
    });
  }
});
