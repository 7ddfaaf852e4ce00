/** Between variables and files, on the device: all or nothing. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  CheckpointError,
  captureVariables,
  type Device,
  DisposedError,
  decodeTensors,
  encodeTensors,
  openDevice,
  restoreVariables,
  type StoredTensor,
  type Variable,
} from "../../src/index.ts";
import { joined } from "./files.ts";

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.dispose());

function model(): Map<string, Variable> {
  return new Map([
    ["w", device.variable("w", [2, 2], { data: Float32Array.of(1, -0, Number.NaN, 3e-45) })],
    ["b", device.variable("b", [], { dtype: "i32", data: Int32Array.of(-5) })],
    ["none", device.variable("none", [0, 4])],
    ["step", device.variable("step", [3], { dtype: "u32", data: Uint32Array.of(1, 2, 0xffffffff) })],
  ]);
}
const bitsOf = async (variables: ReadonlyMap<string, Variable>): Promise<string[]> =>
  Promise.all(
    [...variables].map(
      async ([name, v]) => `${name} ${Buffer.from((await v.read()).buffer as ArrayBuffer).toString("hex")}`,
    ),
  );
const free = (variables: ReadonlyMap<string, Variable>): void => {
  for (const v of variables.values()) v.dispose();
};

test("captured, encoded, decoded and restored: every bit is back, NaN and -0 too", async () => {
  const variables = model();
  const before = await bitsOf(variables);
  const pieces = encodeTensors({ tensors: await captureVariables(variables), metadata: {} });
  for (const v of variables.values()) {
    const zeros = { f32: Float32Array, i32: Int32Array, u32: Uint32Array }[v.dtype];
    v.write(new zeros(v.size));
  }
  expect(await bitsOf(variables)).not.toEqual(before);
  restoreVariables(variables, decodeTensors(joined(pieces), "x"), "x");
  expect(await bitsOf(variables)).toEqual(before);
  free(variables);
});

const wrong: readonly [string, (tensors: Map<string, StoredTensor>) => void, RegExp][] = [
  ["missing", (t) => t.delete("step"), /checkpoint x: has no "step"/],
  [
    "of another dtype",
    (t) => t.set("step", { dtype: "i32", shape: [3], data: new Int32Array(3) }),
    /"step" is i32 \[3\], the model wants u32 \[3\]/,
  ],
  [
    "of another shape",
    (t) => t.set("step", { dtype: "u32", shape: [1, 3], data: new Uint32Array(3) }),
    /"step" is u32 \[1, 3\], the model wants u32 \[3\]/,
  ],
  [
    "shorter than it says",
    (t) => t.set("step", { dtype: "u32", shape: [3], data: new Uint32Array(2) }),
    /"step" is u32/,
  ],
];
test.each(wrong)("nothing is written where the last tensor is %s", async (_how, spoil, words) => {
  const variables = model();
  const before = await bitsOf(variables);
  const tensors = await captureVariables(variables);
  tensors.set("w", { dtype: "f32", shape: [2, 2], data: Float32Array.of(7, 7, 7, 7) });
  spoil(tensors);
  const restore = (): void => restoreVariables(variables, { tensors, metadata: {} }, "x");
  expect(restore).toThrow(CheckpointError);
  expect(restore).toThrow(words);
  expect(await bitsOf(variables)).toEqual(before);
  free(variables);
});

test("nothing is written where a variable is gone; more tensors than variables do no harm", async () => {
  const variables = model();
  const tensors = await captureVariables(variables);
  tensors.set("w", { dtype: "f32", shape: [2, 2], data: Float32Array.of(7, 7, 7, 7) });
  const w = variables.get("w")!;
  variables.get("step")!.dispose();
  expect(() => restoreVariables(variables, { tensors, metadata: {} }, "x")).toThrow(DisposedError);
  expect((await w.read())[0]).toBe(1);
  restoreVariables(new Map([["w", w]]), { tensors, metadata: {} }, "x");
  expect([...(await w.read())]).toEqual([7, 7, 7, 7]);
  free(variables);
});

test("nothing is left behind", async () => {
  await device.idle();
  expect(device.memory()).toEqual({ buffers: 0, bytes: 0, variables: 0, variableBytes: 0, programs: 0 });
});
