// The soft threshold: its laws (design section 12), and its gradients against central differences in every granularity.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { uniform } from "@trimtab/embeddings";
import { buildModel, fm } from "@trimtab/models";
import {
  bceWithLogits,
  type Device,
  grad,
  input,
  mean,
  mul,
  openDevice,
  type Program,
  RowGradient,
  sum,
  type Tensor,
} from "@trimtab/tensor-core";
import { asyncLaw, feedsOf, Random } from "@trimtab/test-support";
import fc from "fast-check";
import { granularities, softThreshold, Thresholds } from "../src/index.ts";

setDefaultTimeout(60_000);

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.dispose());

const LENGTH = 64;
const sigmoid = (s: number) => 1 / (1 + Math.exp(-s));

async function elementwise() {
  const v = input("v", [LENGTH]);
  const s = input("s", [LENGTH]);
  const y = softThreshold(v, s);
  const [dv, ds] = grad(sum(mul(y, input("g", [LENGTH]))), [v, s]);
  return device.compile({ outputs: { y, dv, ds } });
}

const numbers = (arbitrary: fc.Arbitrary<number>) =>
  fc.array(arbitrary, { minLength: LENGTH, maxLength: LENGTH }).map((a) => Float32Array.from(a));
const value = fc.oneof(
  fc.double({ min: -2, max: 2, noNaN: true }),
  fc.double({ min: -1e-3, max: 1e-3, noNaN: true }),
  fc.constantFrom(0, -0, 0.5, -0.5),
);
const threshold = fc.oneof(fc.double({ min: -16, max: 4, noNaN: true }), fc.constantFrom(-150, -15, 0, 40));

describe("laws", () => {
  let program: Program<{ y: Tensor; dv: Tensor; ds: Tensor }>;
  beforeAll(async () => {
    program = await elementwise();
  });
  afterAll(() => program.dispose());

  test("never larger, of the same sign, zero exactly where |v| <= sigmoid(s)", async () => {
    await asyncLaw(
      fc.asyncProperty(numbers(value), numbers(threshold), async (v, s) => {
        const { y } = await program.fetch({ v, s, g: v }, ["y"]);
        for (let i = 0; i < LENGTH; i++) {
          expect(Math.abs(y[i]!)).toBeLessThanOrEqual(Math.abs(v[i]!));
          if (y[i] !== 0) expect(Math.sign(y[i]!)).toBe(Math.sign(v[i]!));
          // the device's sigmoid may be off in its last bits
          const t = sigmoid(s[i]!);
          if (Math.abs(v[i]!) > t * (1 + 1e-6)) expect(y[i]).not.toBe(0);
          if (Math.abs(v[i]!) < t * (1 - 1e-6)) expect(y[i]! + 0).toBe(0);
          const expected = Math.sign(v[i]!) * Math.max(0, Math.abs(v[i]!) - t);
          expect(Math.abs(y[i]! - expected)).toBeLessThan(1e-6);
        }
      }),
      100,
    );
  });

  test("zero at equality: v is the very sigmoid(s)", async () => {
    const half = new Float32Array(LENGTH).fill(0.5).map((x, i) => (i % 2 ? x : -x));
    const { y, dv, ds } = await program.fetch({ v: half, s: new Float32Array(LENGTH), g: half });
    for (const out of [y, dv, ds]) expect([...out!].every((x) => x === 0)).toBe(true);
  });

  test("monotone in s: a higher threshold leaves no more", async () => {
    await asyncLaw(
      fc.asyncProperty(numbers(value), numbers(threshold), numbers(threshold), async (v, a, b) => {
        const low = a.map((x, i) => Math.min(x, b[i]!));
        const high = a.map((x, i) => Math.max(x, b[i]!));
        const more = (await program.fetch({ v, s: low, g: v }, ["y"])).y;
        const less = (await program.fetch({ v, s: high, g: v }, ["y"])).y;
        for (let i = 0; i < LENGTH; i++) expect(Math.abs(less[i]!)).toBeLessThanOrEqual(Math.abs(more[i]!));
      }),
      100,
    );
  });

  test("a pruned number gets no gradient, by v or by s; others get theirs", async () => {
    await asyncLaw(
      fc.asyncProperty(numbers(value), numbers(threshold), numbers(value), async (v, s, g) => {
        const { y, dv, ds } = await program.fetch({ v, s, g });
        for (let i = 0; i < LENGTH; i++) {
          const t = sigmoid(s[i]!);
          const kept = y[i] !== 0;
          expect(dv[i]! + 0).toBe(kept ? g[i]! + 0 : 0);
          const slope = kept ? -Math.sign(v[i]!) * t * (1 - t) * g[i]! : 0;
          expect(Math.abs(ds[i]! - slope)).toBeLessThan(1e-6);
        }
      }),
      100,
    );
  });
});

describe.each(granularities.map((g) => [g]))("gradients, %s", (granularity) => {
  // a multi-valued field too: its slots share the field's threshold
  const fields = [
    { name: "user", rows: 7, slots: 1 },
    { name: "genres", rows: 5, slots: 3 },
    { name: "item", rows: 9, slots: 1 },
  ];
  const batch = 8;

  test("are the central differences of the loss, for values and thresholds", async () => {
    const random = new Random(3);
    const between = (low: number, high: number) => low + (high - low) * random.next();
    using model = await buildModel(device, fm({ dim: 3 }), uniform(fields, 3), { seed: 1 });
    using thresholds = new Thresholds(device, model.tables, { granularity, start: 0 });
    const [table] = model.tables.tableVariables;
    const [s] = thresholds.variables;
    // about a third is pruned, and nothing lies so near to its threshold that a difference would cross it
    const start = Float32Array.from({ length: s!.size }, () => between(-1.4, -0.6));
    s!.write(start);
    const perNumber = (await Promise.all(fields.map((_, f) => thresholds.read(f)))).flatMap((x) => [...x]);
    const values = Float32Array.from(perNumber, (own) => {
      const t = sigmoid(own);
      const size = random.next() < 0.35 ? t * between(0.1, 0.8) : t * between(1.3, 3);
      return random.next() < 0.5 ? size : -size;
    });
    table!.write(values);
    const { logits, labels } = model.forward({ batch, training: true, transform: thresholds.transform() });
    const loss = mean(bceWithLogits(logits, labels));
    const gradients = grad(loss, [table!, s!]);
    const dense = (g: (typeof gradients)[number]) => (g instanceof RowGradient ? g.rows : g);
    using program = await device.compile({
      outputs: { loss, values: dense(gradients[0]!), thresholds: dense(gradients[1]!) },
    });
    const ids = Array.from({ length: batch }, () =>
      fields.map(({ rows, slots }) => Array.from({ length: slots }, () => Math.floor(random.next() * rows))),
    );
    const all = feedsOf(model.layouts[0]!, fields, ids);
    const feeds = {
      ...all,
      ...thresholds.feedsOf(all),
      labels: Float32Array.from({ length: batch }, () => Math.round(random.next())),
    };
    const needed = Object.fromEntries(
      Object.entries(feeds).filter(([name]) => program.inputs.includes(name)),
    );
    const found = await program.fetch(needed);
    const touched = [...(all["all.rows"] as Uint32Array)];
    /** [rows, width] from what a program gives: one line a touched row, or everything. */
    const whole = (out: ArrayLike<number>, byRow: boolean, size: number, width: number) => {
      if (!byRow) return Array.from(out);
      const full = new Array<number>(size).fill(0);
      touched.forEach((row, i) => {
        for (let j = 0; j < width; j++) full[row * width + j] = out[i * width + j]!;
      });
      return full;
    };
    const check = async (variable: typeof table & object, at: Float32Array, gradient: number[]) => {
      const h = 1e-2;
      let large = 0;
      for (let i = 0; i < at.length; i++) {
        const lossAt = async (x: number) => {
          const moved = at.slice();
          moved[i] = x;
          variable.write(moved);
          return (await program.fetch(needed, ["loss"])).loss[0]!;
        };
        const slope = ((await lossAt(at[i]! + h)) - (await lossAt(at[i]! - h))) / (2 * h);
        expect(Math.abs(gradient[i]! - slope)).toBeLessThan(2e-4);
        if (Math.abs(slope) > 2e-3) large++;
      }
      variable.write(at);
      return large;
    };
    const byRow = gradients[1] instanceof RowGradient;
    const width = s!.shape.at(-1)!;
    expect(await check(table!, values, whole(found.values, true, values.length, 3))).toBeGreaterThan(5);
    const slopes = whole(found.thresholds, byRow, s!.size, width);
    expect(await check(s!, start, slopes)).toBeGreaterThan(0);
  });
});
