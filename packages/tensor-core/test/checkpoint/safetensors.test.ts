/** The container: what goes in comes out, other tools can read it, and damage is never taken for content. */
import { describe, expect, test } from "bun:test";
import { law } from "@trimtab/test-support";
import fc from "fast-check";
import {
  CheckpointError,
  decodeTensors,
  encodeTensors,
  type StoredTensor,
  type TensorFile,
} from "../../src/index.ts";
import { content, joined, tensorFile } from "./files.ts";

const f32 = (...values: number[]): StoredTensor => ({
  dtype: "f32",
  shape: [values.length],
  data: Float32Array.from(values),
});
const sample: TensorFile = {
  tensors: new Map<string, StoredTensor>([
    ["item table", { dtype: "f32", shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
    ["step", { dtype: "u32", shape: [], data: Uint32Array.of(7) }],
    ["none", { dtype: "i32", shape: [0, 4], data: new Int32Array(0) }],
  ]),
  metadata: { position: '{"epoch":3}' },
};

/** A file as another tool may write it: its own header text over a body of so many bytes. */
function foreign(header: string, body = 0): Uint8Array {
  const json = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return joined([length, json, new Uint8Array(body)]);
}

describe("round trip", () => {
  test("any file comes back bit for bit", () =>
    law(
      fc.property(tensorFile, (file) => {
        const bytes = joined(encodeTensors(file));
        expect(content(decodeTensors(bytes, "x"))).toBe(content(file));
      }),
      300,
    ));

  test("from bytes that start anywhere in their buffer", () => {
    const bytes = joined(encodeTensors(sample));
    for (const shift of [1, 3, 8]) {
      const moved = new Uint8Array(bytes.length + shift);
      moved.set(bytes, shift);
      expect(content(decodeTensors(moved.subarray(shift), "x"))).toBe(content(sample));
    }
  });

  test("a view into a longer array is written without the rest", () => {
    const data = Float32Array.of(9, 1, 2, 9).subarray(1, 3);
    const v: StoredTensor = { dtype: "f32", shape: [2], data };
    const file = { tensors: new Map([["v", v]]), metadata: {} };
    const back = decodeTensors(joined(encodeTensors(file)), "x");
    expect([...back.tensors.get("v")!.data]).toEqual([1, 2]);
  });
});

describe("the published layout", () => {
  test("is what a plain reader finds", () => {
    const bytes = Buffer.from(joined(encodeTensors(sample)));
    const length = Number(bytes.readBigUInt64LE(0));
    expect(length % 8).toBe(0);
    expect(bytes[8]).toBe("{".charCodeAt(0));
    const header = JSON.parse(bytes.toString("utf8", 8, 8 + length));
    expect(header.__metadata__.position).toBe('{"epoch":3}');
    expect(Object.values(header.__metadata__).every((text) => typeof text === "string")).toBe(true);
    delete header.__metadata__;
    expect(header).toEqual({
      "item table": { dtype: "F32", shape: [2, 3], data_offsets: [0, 24] },
      step: { dtype: "U32", shape: [], data_offsets: [24, 28] },
      none: { dtype: "I32", shape: [0, 4], data_offsets: [28, 28] },
    });
    expect(bytes.length).toBe(8 + length + 28);
    expect(bytes.readFloatLE(8 + length + 4)).toBe(2);
    expect(bytes.readUInt32LE(8 + length + 24)).toBe(7);
  });

  test("a file of another tool, without a checksum or metadata, is read in any order of its entries", () => {
    const bytes = foreign(
      '{"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]},"a":{"data_offsets":[0,4],"shape":[1,1],"dtype":"U32"}}   ',
      12,
    );
    new DataView(bytes.buffer).setFloat32(bytes.length - 4, 2.5, true);
    const { tensors, metadata } = decodeTensors(bytes, "x");
    expect([...tensors.get("b")!.data]).toEqual([0, 2.5]);
    expect(tensors.get("a")!.shape).toEqual([1, 1]);
    expect(metadata).toEqual({});
  });

  test("the checksum survives a tool that writes the same content in another order", () => {
    const bytes = Buffer.from(joined(encodeTensors(sample)));
    const length = Number(bytes.readBigUInt64LE(0));
    const entries = Object.entries(JSON.parse(bytes.toString("utf8", 8, 8 + length))).reverse();
    const again = Buffer.from(foreign(JSON.stringify(Object.fromEntries(entries)), 28));
    bytes.copy(again, again.length - 28, bytes.length - 28);
    expect(content(decodeTensors(again, "x"))).toBe(content(sample));
    again[again.length - 1]! ^= 1;
    expect(() => decodeTensors(again, "x")).toThrow(/does not match its checksum/);
  });
});

/** The decoder's answer to damaged bytes must be CheckpointError or the very same content. */
function refusedOrEqual(file: TensorFile, damaged: Uint8Array): boolean {
  try {
    const { tensors } = decodeTensors(damaged, "damaged.safetensors");
    // Damage may have hit the name of the checksum's key, which is content of nobody's.
    expect(content({ tensors, metadata: {} })).toBe(content({ tensors: file.tensors, metadata: {} }));
    return false;
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    expect(error.message).toContain("damaged.safetensors");
    return true;
  }
}

describe("damage", () => {
  test("every truncation is refused", () => {
    const bytes = joined(encodeTensors(sample));
    for (let length = 0; length < bytes.length; length++) {
      expect(refusedOrEqual(sample, bytes.slice(0, length))).toBe(true);
    }
    expect(refusedOrEqual(sample, joined([bytes, Uint8Array.of(0)]))).toBe(true);
  });

  test("every single flipped bit of a file is refused or changes no tensor", () => {
    const bytes = joined(encodeTensors(sample));
    let refused = 0;
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = bytes.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      if (refusedOrEqual(sample, damaged)) refused++;
    }
    // only the checksum's key and padding may go unseen
    expect(refused / (bytes.length * 8)).toBeGreaterThan(0.9);
  });

  test("truncated, overwritten or shifted bytes of any file give the same tensors or CheckpointError", () =>
    law(
      fc.property(
        tensorFile,
        fc.nat(),
        fc.uint8Array({ minLength: 1, maxLength: 12 }),
        fc.constantFrom("cut", "overwrite", "insert", "remove"),
        (file, place, noise, how) => {
          const bytes = joined(encodeTensors(file));
          const at = place % bytes.length;
          const [head, tail] = [bytes.slice(0, at), bytes.slice(at)];
          if (how === "cut") refusedOrEqual(file, head);
          else if (how === "insert") refusedOrEqual(file, joined([head, noise, tail]));
          else if (how === "remove") refusedOrEqual(file, joined([head, tail.slice(noise.length)]));
          else {
            const damaged = bytes.slice();
            damaged.set(noise.subarray(0, bytes.length - at), at);
            refusedOrEqual(file, damaged);
          }
        },
      ),
      500,
    ));

  test("a name or a training position that changed by one letter is noticed", () => {
    for (const [was, is] of [
      ["item", "atem"],
      ["epoch", "epocx"],
      ["U32", "I32"],
    ] as const) {
      const bytes = Buffer.from(joined(encodeTensors(sample)));
      bytes.write(is, bytes.indexOf(was));
      expect(() => decodeTensors(bytes, "x")).toThrow(/does not match its checksum/);
    }
  });
});

describe("headers that lie are refused", () => {
  const entry = (dtype: string, shape: string, offsets: string): string =>
    `{"a":{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}}`;
  const cases: readonly [string, Uint8Array, RegExp][] = [
    ["another dtype", foreign(entry("F16", "[2]", "[0,4]"), 4), /tensor "a"/],
    ["a negative extent", foreign(entry("F32", "[-1,-1]", "[0,4]"), 4), /tensor "a"/],
    ["half an extent", foreign(entry("F32", "[0.5,2]", "[0,4]"), 4), /tensor "a"/],
    ["no shape", foreign('{"a":{"dtype":"F32","data_offsets":[0,4]}}', 4), /tensor "a"/],
    ["no entry", foreign('{"a":null}', 0), /tensor "a"/],
    ["offsets the wrong way round", foreign(entry("F32", "[0]", "[4,0]"), 4), /tensor "a"/],
    ["three offsets", foreign(entry("F32", "[1]", "[0,4,4]"), 4), /tensor "a"/],
    ["bytes beyond the end", foreign(entry("F32", "[2]", "[0,8]"), 4), /tensor "a"/],
    ["fewer bytes than the shape", foreign(entry("F32", "[2]", "[0,4]"), 4), /tensor "a"/],
    ["bytes of no tensor", foreign(entry("F32", "[1]", "[0,4]"), 8), /take 4 bytes, the file holds 8/],
    ["a hole before a tensor", foreign(entry("F32", "[1]", "[4,8]"), 8), /hole or overlap at byte 0/],
    ["a list", foreign("[]"), /not a JSON object/],
    ["no JSON", foreign("{"), /not a JSON object/],
    ["a header beyond the end", foreign("{}").slice(0, 9), /header of 2 bytes/],
    ["metadata that is no text", foreign('{"__metadata__":{"n":1}}'), /map of texts/],
    ["nothing at all", new Uint8Array(0), /only 0 bytes/],
  ];
  test.each(cases)("%s", (_what, bytes, words) => {
    expect(() => decodeTensors(bytes, "x")).toThrow(CheckpointError);
    expect(() => decodeTensors(bytes, "x")).toThrow(words);
  });
});

describe("what cannot be written is refused by name", () => {
  const encode = (name: string, tensor: StoredTensor, metadata = {}) =>
    encodeTensors({ tensors: new Map([[name, tensor]]), metadata });

  test("data that does not fit its shape or dtype", () => {
    expect(() => encode("w", { ...f32(1, 2), shape: [3] })).toThrow(
      /tensor "w" has 2 elements.*want 3 of f32/,
    );
    expect(() => encode("w", { ...f32(1, 2), dtype: "u32" })).toThrow(/2 elements of Float32Array.*2 of u32/);
  });

  test("names and keys that the format keeps for itself or cannot hold", () => {
    expect(() => encode("__metadata__", f32(1))).toThrow(CheckpointError);
    expect(() => encode("\ud800", f32(1))).toThrow(/cannot be named "\\ud800"/);
    expect(() => encode("w", f32(1), { "trimtab.sha256": "x" })).toThrow(/is taken/);
  });
});
