/** How near the vector functions come to Float64 over all magnitudes, their special values, and exact whole numbers. */
import { afterAll, describe, expect, test } from "bun:test";
import { law, Random, seed } from "@trimtab/test-support";
import fc from "fast-check";
import wabt from "wabt";
import { type FunctionName, functionTexts } from "../../../src/engines/cpu/wat/functions.ts";
import { binary, unary } from "../../reference/evaluate.ts";
import { threefry2x32 } from "../../reference/threefry.ts";

const ARITY: Record<FunctionName, number> = {
  exp: 1,
  log: 1,
  log1p: 1,
  sigmoid: 1,
  tanh: 1,
  pow: 2,
  fmod: 2,
  sign_f32: 1,
  sign_i32: 1,
  sign_u32: 1,
  div_i32: 2,
  div_u32: 2,
  mod_i32: 2,
  mod_u32: 2,
  shl: 2,
  shr_u32: 2,
  shr_i32: 2,
  ipow: 2,
  upow: 2,
  threefry: 4,
};
const NAMES = Object.keys(ARITY) as FunctionName[];

/** Operand i lies at i * BLOCK bytes, the result behind the last possible operand. */
const BLOCK = 65536;
const loop = (name: FunctionName): string => {
  const operands = Array.from(
    { length: ARITY[name] },
    (_, i) => `(v128.load offset=${i * BLOCK} (local.get $p))`,
  );
  return `(func (export "${name}") (param $p i32) (param $end i32) (loop $next
  (v128.store offset=${4 * BLOCK} (local.get $p) (call $${name} ${operands.join(" ")}))
  (br_if $next (i32.lt_u (local.tee $p (i32.add (local.get $p) (i32.const 16))) (local.get $end)))))\n`;
};

const encoder = await wabt();
const encode = (text: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(encoder.parseWat("functions.wat", text, { simd: true }).toBinary({}).buffer);
const instance = new WebAssembly.Instance(
  new WebAssembly.Module(
    encode(
      `(module (memory (export "memory") 5)\n${functionTexts(new Set(NAMES))}${NAMES.map(loop).join("")})`,
    ),
  ),
);
const memory = new Uint32Array((instance.exports.memory as WebAssembly.Memory).buffer);

/** The bits of the results for the bits of the operands, in one run; the last vector is filled up with zeros. */
function run(name: FunctionName, ...operands: Uint32Array[]): Uint32Array {
  const length = operands[0]!.length;
  const result = new Uint32Array(length);
  const block = BLOCK / 4;
  for (let from = 0; from < length; from += block) {
    const to = Math.min(length, from + block);
    const whole = Math.ceil((to - from) / 4) * 4;
    operands.forEach((operand, i) => {
      memory.fill(0, i * block + to - from, i * block + whole);
      memory.set(operand.subarray(from, to), i * block);
    });
    (instance.exports[name] as (from: number, end: number) => void)(0, 4 * whole);
    result.set(memory.subarray(4 * block, 4 * block + to - from), from);
  }
  return result;
}

const asBits = (a: Float32Array | Int32Array | readonly number[]): Uint32Array =>
  Array.isArray(a)
    ? asBits(Float32Array.from(a))
    : new Uint32Array((a as Float32Array).buffer, 0, (a as Float32Array).length);
const asFloats = (a: Uint32Array): Float32Array => new Float32Array(a.buffer, 0, a.length);
const numbers = (name: FunctionName, ...operands: (readonly number[])[]): number[] => [
  ...asFloats(run(name, ...operands.map(asBits))),
];

const parts = new DataView(new ArrayBuffer(8));
/** The distance of f32 numbers around x; of denormals below 2^-126, of the greatest beyond 2^127. */
function ulp(x: number): number {
  parts.setFloat64(0, x);
  const exponent = ((parts.getUint32(0) >>> 20) & 0x7ff) - 1023;
  return 2 ** (Math.min(127, Math.max(-126, exponent)) - 23);
}

/** Off by how many units in the last place; an infinite result counts as 2^128, the next step after the greatest number. */
function error(got: number, wanted: number): number {
  if (Number.isNaN(wanted)) return Number.isNaN(got) ? 0 : Number.POSITIVE_INFINITY;
  if (got === wanted) return 0;
  const finite = Math.abs(got) === Infinity ? Math.sign(got) * 2 ** 128 : got;
  const off = Math.abs(finite - wanted) / ulp(wanted);
  if (Math.abs(wanted) === Infinity || wanted === 0) return Number.POSITIVE_INFINITY;
  // Beyond the overflow edge nothing but an infinity is right.
  if (Math.abs(got) === Infinity && Math.abs(wanted) >= 2 ** 128 && got * wanted > 0) return 0;
  return Number.isNaN(got) ? Number.POSITIVE_INFINITY : off;
}

interface Worst {
  normal: number;
  denormal: number;
  at: string;
  tried: number;
}
const table: Record<
  string,
  { "max ulp": string; "max ulp, denormal results": string; at: string; tried: number }
> = {};
afterAll(() => {
  console.log("max error of the cpu engine's vector functions, in f32 ulp, against Float64");
  console.table(table);
});

const LEAST_NORMAL = 2 ** -126;

function measure(
  name: FunctionName,
  reference: (x: number, y: number) => number,
  ...operands: Uint32Array[]
): Worst {
  const got = asFloats(run(name, ...operands));
  const [x, y = x] = operands.map(asFloats) as [Float32Array, Float32Array?];
  const worst: Worst = { normal: 0, denormal: 0, at: "", tried: got.length };
  for (let i = 0; i < got.length; i++) {
    const wanted = reference(x[i]!, y[i]!);
    const off = error(got[i]!, wanted);
    if (Math.abs(wanted) < LEAST_NORMAL) worst.denormal = Math.max(worst.denormal, off);
    else if (off > worst.normal || Number.isNaN(off)) {
      worst.normal = off;
      worst.at = `${name}(${[x[i], ...(operands.length > 1 ? [y[i]] : [])].join(", ")}) = ${got[i]}, not ${wanted}`;
    }
  }
  table[name] = {
    "max ulp": worst.normal.toFixed(3),
    "max ulp, denormal results": worst.denormal.toFixed(3),
    at: worst.at,
    tried: worst.tried,
  };
  return worst;
}

const random = new Random(seed);
const anyBits = (): number => Math.floor(random.next() * 2 ** 32) >>> 0;

/** Two million bit patterns evenly over all there are, then every f32 within 30000 steps of each centre, then even grids. */
function sweep(centres: readonly number[], grids: readonly (readonly [number, number])[]): Uint32Array {
  const stride = 2147;
  const start = random.whole(0, stride - 1);
  const patterns = Uint32Array.from(
    { length: Math.floor(2 ** 32 / stride) },
    (_, i) => (start + i * stride) >>> 0,
  );
  const around = [...asBits([...centres])].flatMap((centre) =>
    Array.from({ length: 60001 }, (_, i) => (centre + i - 30000) >>> 0),
  );
  const even = grids.map(([from, to]) =>
    asBits(Float32Array.from({ length: 200_000 }, () => random.between(from, to))),
  );
  const all = new Uint32Array(patterns.length + around.length + even.length * 200_000);
  all.set(patterns);
  all.set(around, patterns.length);
  for (const [i, grid] of even.entries()) all.set(grid, patterns.length + around.length + i * 200_000);
  return all;
}

describe("max error over the whole range", () => {
  const centres = [0, 1, -1, 0.5, -0.5, 2, 2 / 3, 4 / 3, 2 ** -126, -(2 ** -126), 2 ** 24];
  const edges = [87, -87, 88.722839, -87.336545, -103.97208, 104, 89, -104, 9.01, -9.01, 9.1];
  const small: [number, number][] = [
    [-1, 1],
    [-0.01, 0.01],
    [-10, 10],
    [-110, 110],
  ];
  // Runs over every f32 of the ranges that the functions' comments name gave 1.023, 0.960, 1.710, 2.481 and 2.709.
  const limits = {
    exp: { normal: 1.05, denormal: 1, points: () => sweep([...centres, ...edges], small) },
    log: {
      normal: 1,
      denormal: 1.5,
      points: () =>
        sweep(centres, [
          [0, 1],
          [0.9, 1.1],
          [0, 10],
        ]),
    },
    log1p: { normal: 1.75, denormal: 1, points: () => sweep([...centres, 2 ** 100], small) },
    sigmoid: { normal: 2.5, denormal: 1, points: () => sweep([...centres, ...edges], small) },
    tanh: { normal: 2.75, denormal: 1, points: () => sweep([...centres, ...edges], small) },
  } as const;
  for (const [key, { normal, denormal, points }] of Object.entries(limits)) {
    test(key, () => {
      const name = key as keyof typeof limits;
      const worst = measure(name, (x) => unary(name, x), points());
      if (!(worst.normal <= normal)) throw new Error(`off by ${worst.normal} ulp: ${worst.at}`);
      expect(worst.denormal).toBeLessThanOrEqual(denormal);
    });
  }

  test("pow", () => {
    const count = 2_000_000;
    const x = new Uint32Array(count);
    const y = new Float32Array(count);
    const floats = asFloats(x);
    for (let i = 0; i < count; i++) {
      x[i] = anyBits();
      const kind = i % 4;
      if (kind === 1) floats[i] = random.between(0, 4);
      if (kind === 2) floats[i] = random.between(0.99, 1.01);
      // Results over the whole range, whatever x is; every fourth exponent is just any number.
      const log = Math.log2(Math.abs(floats[i]!));
      y[i] = kind === 3 ? asFloats(Uint32Array.of(anyBits()))[0]! : random.between(-152, 130) / log;
      if (i % 8 === 0) y[i] = Math.round(y[i]!);
    }
    const worst = measure("pow", (a, b) => a ** b, x, asBits(y));
    if (!(worst.normal <= 0.6)) throw new Error(`off by ${worst.normal} ulp: ${worst.at}`);
    expect(worst.denormal).toBeLessThanOrEqual(0.6);
  });
});

describe("special values", () => {
  const { POSITIVE_INFINITY: inf, NaN: nan } = Number;
  const least = 2 ** -149;
  const greatest = 3.4028234663852886e38;
  const cases: Partial<Record<FunctionName, [number, number][]>> = {
    exp: [
      [0, 1],
      [-0, 1],
      [inf, inf],
      [-inf, 0],
      [nan, nan],
      [89, inf],
      [greatest, inf],
      [-104, 0],
      [-greatest, 0],
      [least, 1],
    ],
    log: [
      [1, 0],
      [0, -inf],
      [-0, -inf],
      [inf, inf],
      [-inf, nan],
      [-1, nan],
      [-least, nan],
      [-greatest, nan],
      [nan, nan],
      [least, Math.fround(Math.log(least))],
    ],
    log1p: [
      [0, 0],
      [-0, -0],
      [-1, -inf],
      [inf, inf],
      [-inf, nan],
      [-2, nan],
      [-1.0000001192092896, nan],
      [nan, nan],
      [least, least],
      [-least, -least],
      [1e-20, Math.fround(1e-20)],
      [greatest, Math.fround(Math.log(greatest))],
    ],
    sigmoid: [
      [0, 0.5],
      [-0, 0.5],
      [inf, 1],
      [-inf, 0],
      [nan, nan],
      [greatest, 1],
      [-greatest, 0],
      [-100, Math.fround(Math.exp(-100))],
    ],
    tanh: [
      [0, 0],
      [-0, -0],
      [inf, 1],
      [-inf, -1],
      [nan, nan],
      [greatest, 1],
      [-greatest, -1],
      [least, least],
      [-least, -least],
    ],
    sign_f32: [
      [0, 0],
      [-0, -0],
      [least, 1],
      [-least, -1],
      [inf, 1],
      [-inf, -1],
      [nan, nan],
    ],
  };
  for (const [name, pairs] of Object.entries(cases)) {
    for (const [x, wanted] of pairs) {
      test(`${name}(${Object.is(x, -0) ? "-0" : x})`, () => {
        expect(numbers(name as FunctionName, [x])[0]).toBe(wanted);
      });
    }
  }

  test("pow is JavaScript's for every pair", () => {
    const values = [0, -0, 1, -1, 2, -2, 3, -3, 0.5, -0.5, 1.5, -1.5, 0.25, 7, inf, -inf, nan, least, -least];
    values.push(greatest, -greatest, 2 ** 24, -(2 ** 24), 0.9999999403953552, -0.9999999403953552, -5, 1e-30);
    for (const x of values) {
      const got = numbers("pow", new Array(values.length).fill(x), values);
      for (const [i, y] of values.entries()) {
        const wanted = Math.fround(x ** y);
        if (error(got[i]!, x ** y) <= 0.6 && Object.is(Math.sign(got[i]!), Math.sign(wanted))) continue;
        throw new Error(`pow(${x}, ${y}) gave ${got[i]}, wanted ${wanted}`);
      }
    }
  });

  test("tanh is odd", () => {
    const x = Uint32Array.from({ length: 4096 }, anyBits);
    const minus = x.map((b) => (b ^ 0x80000000) >>> 0);
    const [plus, negative] = [asFloats(run("tanh", x)), asFloats(run("tanh", minus))];
    for (const [i, value] of plus.entries()) expect(negative[i]).toBe(-value);
  });

  test("fmod is x - y trunc(x / y), each step rounded", () => {
    const r = Math.fround;
    const x = Float32Array.from({ length: 4000 }, () => random.between(-1000, 1000));
    const y = Float32Array.from({ length: 4000 }, () => random.between(-30, 30));
    const got = asFloats(run("fmod", asBits(x), asBits(y)));
    for (const [i, a] of x.entries()) expect(got[i]).toBe(r(a - r(y[i]! * Math.trunc(r(a / y[i]!)))));
    expect(numbers("fmod", [7, -7, 7, 5.5, nan, 1, 1], [2, 2, -2, 0.5, 1, nan, 0])).toEqual([
      1,
      -1,
      1,
      0,
      nan,
      nan,
      nan,
    ]);
  });
});

test("a NaN of any bits comes through every function on floats", () => {
  const nans = Uint32Array.from({ length: 4000 }, () => (anyBits() | 0x7f800001) >>> 0);
  const others = Uint32Array.from({ length: 4000 }, anyBits);
  for (const name of ["exp", "log", "log1p", "sigmoid", "tanh", "sign_f32"] as const) {
    expect(asFloats(run(name, nans)).every(Number.isNaN)).toBe(true);
  }
  for (const name of ["pow", "fmod"] as const) {
    const some = others.map((b) => ((b & 0x7fffffff) === 0 ? 1 : b));
    expect(asFloats(run(name, nans, some)).every(Number.isNaN)).toBe(true);
    expect(asFloats(run(name, some, nans)).every(Number.isNaN)).toBe(true);
  }
});

test("a lane's bits depend on that lane alone", () => {
  const hard = asBits([
    0,
    -0,
    Infinity,
    -Infinity,
    Number.NaN,
    -1,
    -2,
    1e-40,
    -1e-40,
    3e38,
    -3e38,
    100,
    -100,
  ]);
  const ordinary = asBits(Float32Array.from({ length: 3000 }, () => random.between(-90, 90)));
  const canonical = (a: Uint32Array) => a.map((b) => ((b & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : b));
  for (const name of ["exp", "log", "log1p", "sigmoid", "tanh", "pow"] as const) {
    const of = (x: Uint32Array, y: Uint32Array) =>
      canonical(ARITY[name] === 2 ? run(name, x, y) : run(name, x));
    const mixed = new Uint32Array(4 * ordinary.length);
    const alike = new Uint32Array(4 * ordinary.length);
    const powers = new Uint32Array(4 * ordinary.length);
    for (const [i, x] of ordinary.entries()) {
      mixed.fill(random.pick([...hard]), 4 * i, 4 * i + 4);
      mixed[4 * i + (i % 4)] = x;
      alike.fill(x, 4 * i, 4 * i + 4);
      powers.fill(ordinary[(i * 7) % ordinary.length]!, 4 * i, 4 * i + 4);
    }
    const [a, b] = [of(mixed, powers), of(alike, powers)];
    for (let i = 0; i < ordinary.length; i++) expect(a[4 * i + (i % 4)]).toBe(b[4 * i + (i % 4)]!);
  }
});

describe("whole numbers are exact", () => {
  const edges = [0, 1, 2, 3, 31, 32, 33, 63, 64, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff];
  const word = fc.oneof(
    fc.integer({ min: 0, max: 0xffffffff }),
    fc.constantFrom(...edges),
    fc.integer({ min: -40, max: 40 }).map((n) => n >>> 0),
  );
  const pair = fc.tuple(word, word);
  const cross = edges.flatMap((a) => edges.map((b): [number, number] => [a, b]));

  const signed = (n: number): bigint => BigInt(n | 0);
  const unsigned = (n: number): bigint => BigInt(n >>> 0);
  const wrap = (n: bigint): number => Number(BigInt.asUintN(32, n));
  const power = (x: bigint, y: bigint): number => {
    let result = 1n;
    let base = BigInt.asUintN(32, x);
    for (let left = y > 0n ? y : 0n; left > 0n; left >>= 1n) {
      if (left & 1n) result = BigInt.asUintN(32, result * base);
      base = BigInt.asUintN(32, base * base);
    }
    return wrap(result);
  };
  const exact = {
    div_i32: (a, b) => (b === 0 ? a : wrap(signed(a) / signed(b))),
    div_u32: (a, b) => (b === 0 ? a : wrap(unsigned(a) / unsigned(b))),
    mod_i32: (a, b) => (b === 0 ? 0 : wrap(signed(a) % signed(b))),
    mod_u32: (a, b) => (b === 0 ? 0 : wrap(unsigned(a) % unsigned(b))),
    shl: (a, b) => binary("shl", "u32", a, b) >>> 0,
    shr_u32: (a, b) => binary("shr", "u32", a, b) >>> 0,
    shr_i32: (a, b) => (a >> b) >>> 0,
    ipow: (a, b) => power(signed(a), signed(b)),
    upow: (a, b) => power(unsigned(a), unsigned(b)),
  } satisfies Partial<Record<FunctionName, (a: number, b: number) => number>>;

  for (const [name, of] of Object.entries(exact)) {
    const holds = (pairs: readonly (readonly [number, number])[]) => {
      const got = run(
        name as FunctionName,
        Uint32Array.from(pairs, (p) => p[0]),
        Uint32Array.from(pairs, (p) => p[1]),
      );
      expect([...got]).toEqual(pairs.map(([a, b]) => of(a, b)));
    };
    test(`${name}, every pair of edges`, () => holds(cross));
    test(`${name}, any words`, () =>
      law(fc.property(fc.array(pair, { minLength: 1, maxLength: 64 }), holds), 300));
  }

  test("quotients beside a whole number", () => {
    const pairs = Array.from({ length: 50_000 }, () => {
      const b = anyBits() >>> random.whole(0, 31);
      const a = Math.min(0xffffffff, b * Math.floor((2 ** 32 / Math.max(1, b)) * random.next()));
      return [Math.max(0, a - random.whole(0, 1)), b] as const;
    });
    const got = run(
      "div_u32",
      Uint32Array.from(pairs, (p) => p[0]),
      Uint32Array.from(pairs, (p) => p[1]),
    );
    for (const [i, [a, b]] of pairs.entries()) expect(got[i]).toBe(exact.div_u32(a, b));
  });

  test("signs", () => {
    const all = Uint32Array.from([...edges, ...Array.from({ length: 1000 }, anyBits)]);
    expect([...run("sign_i32", all)]).toEqual(Array.from(all, (n) => Math.sign(n | 0) >>> 0));
    expect([...run("sign_u32", all)]).toEqual(Array.from(all, (n) => Math.min(n, 1)));
  });
});

test("threefry is the reference's", () => {
  law(
    fc.property(
      fc.array(
        fc.tuple(
          ...([0, 1, 2, 3].map(() => fc.integer({ min: 0, max: 0xffffffff })) as [
            fc.Arbitrary<number>,
            fc.Arbitrary<number>,
            fc.Arbitrary<number>,
            fc.Arbitrary<number>,
          ]),
        ),
        { minLength: 1, maxLength: 64 },
      ),
      (all) => {
        const column = (k: 0 | 1 | 2 | 3) => Uint32Array.from(all, (words) => words[k]);
        const got = run("threefry", column(0), column(1), column(2), column(3));
        expect([...got]).toEqual(all.map((words) => threefry2x32(...words) >>> 0));
      },
    ),
    300,
  );
  // Published vectors (Random123's known answers).
  const known = [
    [0, 0, 0, 0, 0x6b200159],
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x1cb996fc],
    [0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3, 0xc4923a9c],
  ];
  const column = (k: number) => Uint32Array.from(known, (words) => words[k]!);
  expect(run("threefry", column(0), column(1), column(2), column(3))).toEqual(column(4));
});

describe("texts", () => {
  test("each name alone is a valid module: it brings what it calls, once", () => {
    for (const name of NAMES) {
      const text = functionTexts(new Set([name]));
      expect(WebAssembly.validate(encode(`(module ${text})`))).toBe(true);
      expect(text.split(`(func $${name} `).length).toBe(2);
    }
  });
  test("the order does not depend on the asking", () => {
    expect(functionTexts(new Set([...NAMES].reverse()))).toBe(functionTexts(new Set(NAMES)));
    expect(functionTexts(new Set())).toBe("");
  });
});
