// The chosen vectors, on the device, against plain Float64 loops; and that nothing moves but what a path chose.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { buildTables, type FieldSpec, initialise, LookupInputs, uniform } from "@trimtab/embeddings";
import { fm } from "@trimtab/models";
import {
  type Device,
  grad,
  matmul,
  mul,
  openDevice,
  permute,
  sum,
  type Tensor,
  type Variable,
} from "@trimtab/tensor-core";
import { asyncLaw, feedsOf, needed, Random, randomValues, type Values } from "@trimtab/test-support";
import fc from "fast-check";
import { CandidateTables, openStage, type Path } from "../../src/index.ts";
import { adassConfigSchema, settingsOf } from "../../src/settings.ts";
import { applyMaps } from "../../src/supernet/choose.ts";
import { EPSILON, normByBatch } from "../../src/supernet/norm.ts";
import { trainingStep } from "../../src/supernet/step.ts";

setDefaultTimeout(60_000);

let device: Device;
beforeAll(async () => {
  device = await openDevice({ engine: "cpu" });
});
afterAll(() => device.dispose());

const CANDIDATES = [0, 1, 2, 4];
const DIM = 4;
const BATCH = 7;

const subject = fc.record({
  specs: fc
    .array(fc.record({ rows: fc.integer({ min: 1, max: 9 }), slots: fc.constantFrom(1, 1, 3) }), {
      minLength: 1,
      maxLength: 4,
    })
    .map((list) => list.map((s, f): FieldSpec => ({ ...s, name: `f${f}` }))),
  tables: fc.constantFrom("separate" as const, "prefix" as const),
  map: fc.constantFrom("linear" as const, "positions" as const),
  batchNorm: fc.boolean(),
  seed: fc.nat(1e6),
});
type Subject = typeof subject extends fc.Arbitrary<infer T> ? T : never;

/** Everything of one device-side lookup under a path, and the same numbers on the host. */
class Bench {
  readonly numbers = new Map<string, Float32Array>();
  private constructor(
    readonly s: Subject,
    readonly own: CandidateTables,
    readonly tables: Awaited<ReturnType<typeof buildTables>>,
  ) {}

  static async open(s: Subject): Promise<Bench> {
    const tables = await buildTables(device, uniform(s.specs, DIM), { seed: s.seed, std: 1 });
    const own = new CandidateTables(device, tables, { ...s, candidates: CANDIDATES, scale: 0.7 });
    await initialise(device, own.draws(1), s.seed);
    const bench = new Bench(s, own, tables);
    for (const v of [...tables.tableVariables, ...own.all]) {
      bench.numbers.set(v.name, (await v.read()) as Float32Array);
    }
    return bench;
  }

  [Symbol.dispose](): void {
    this.own.dispose();
    this.tables.dispose();
  }

  /** [B, F, d] of the device under a path. */
  async run(mode: "train" | "score", path: Path, values: Values): Promise<Float32Array> {
    const inputs = new LookupInputs(this.s.specs, { batch: BATCH, training: false });
    const { projected } = this.tables.lookup(inputs, this.own.transform(mode));
    using program = await device.compile({ outputs: { projected } });
    const needs = new Set(program.inputs);
    const trained = path.map(() => 1);
    const feeds = feedsOf(this.tables.layouts[0]!, this.s.specs, values);
    const out = await program.fetch({
      ...needed(program, feeds),
      ...this.own.feedsOf({ path, trained }, needs),
    });
    return out.projected as Float32Array;
  }

  /** The vector of one feature under a candidate, before normalisation. */
  mapped(f: number, id: number, k: number): number[] {
    const { tables, map } = this.s;
    const d = CANDIDATES[k]!;
    const row = this.tables.layouts[0]!.fields[f]!.base + id;
    const own = tables === "separate" && d < DIM ? `adass.all.d${d}` : "embeddings.all";
    const width = own === "embeddings.all" ? DIM : d;
    const raw = Array.from({ length: d }, (_, j) => this.numbers.get(own)![row * width + j]!);
    if (map === "positions" || d === DIM) return [...raw, ...new Array(DIM - d).fill(0)];
    const maps = this.numbers.get(`adass.all.d${d}.map`)!;
    return Array.from({ length: DIM }, (_, j) =>
      raw.reduce((n, x, i) => n + x * maps[(f * d + i) * DIM + j]!, 0),
    );
  }

  /** The same as `run`, in plain loops. */
  expected(mode: "train" | "score", path: Path, values: Values): number[] {
    const out = new Array<number>(BATCH * path.length * DIM).fill(0);
    path.forEach((k, f) => {
      if (CANDIDATES[k] === 0) return;
      const seen = values.flatMap((row, b) =>
        row[f]!.map((id) => ({ b, share: 1 / row[f]!.length, v: this.mapped(f, id, k) })),
      );
      for (let j = 0; j < DIM; j++) {
        let mean = 0;
        let variance = 1 - EPSILON;
        if (this.s.batchNorm && mode === "train") {
          mean = seen.reduce((n, { v }) => n + v[j]!, 0) / Math.max(1, seen.length);
          variance = seen.reduce((n, { v }) => n + (v[j]! - mean) ** 2, 0) / Math.max(1, seen.length);
        } else if (this.s.batchNorm) {
          // nothing was measured yet: mean 0, variance 1
          variance = 1;
        }
        const factor = this.s.batchNorm ? Math.fround(0.7) / Math.sqrt(variance + EPSILON) : 1;
        for (const { b, share, v } of seen)
          out[(b * path.length + f) * DIM + j]! += share * factor * (v[j]! - mean);
      }
    });
    return out;
  }
}

function close(actual: ArrayLike<number>, expected: readonly number[], tolerance = 2e-4): void {
  expected.forEach((x, i) => {
    const off = Math.abs(actual[i]! - x);
    if (!(off <= tolerance * (1 + Math.abs(x)))) expect(`[${i}] ${actual[i]}`).toBe(String(x));
  });
}

function drawn(s: Subject) {
  const random = new Random(s.seed);
  // every row has an id in every field here: of multi-valued fields one to all
  const values = randomValues(s.specs, BATCH, random).map((row) =>
    row.map((ids, f) => (ids.length > 0 ? ids : [random.below(s.specs[f]!.rows)])),
  );
  const path = s.specs.map(() => random.below(CANDIDATES.length));
  return { values, path };
}

describe("a path's vectors", () => {
  test.each(["train", "score"] as const)("equal plain loops, mode %s", (mode) =>
    asyncLaw(
      fc.asyncProperty(subject, async (s) => {
        using bench = await Bench.open(s);
        const { values, path } = drawn(s);
        // a constant column has variance 0, which the loops round otherwise
        const loose = s.batchNorm && mode === "train" ? 2e-2 : 2e-4;
        close(await bench.run(mode, path, values), bench.expected(mode, path, values), loose);
      }),
      25,
    ),
  );

  test("where sizes are prefixes, a size's vector is a prefix of the largest one", () =>
    asyncLaw(
      fc.asyncProperty(subject, async (drawnSubject) => {
        const s = { ...drawnSubject, tables: "prefix", map: "positions", batchNorm: false } as const;
        using bench = await Bench.open(s);
        const { values, path } = drawn(s);
        const largest = await bench.run(
          "score",
          path.map(() => CANDIDATES.length - 1),
          values,
        );
        const chosen = await bench.run("score", path, values);
        chosen.forEach((x, i) => {
          const f = Math.floor(i / DIM) % path.length;
          expect(x).toBe(i % DIM < CANDIDATES[path[f]!]! ? largest[i]! : 0);
        });
        expect(bench.own.tables).toEqual([]);
      }),
      15,
    ));
});

test("the normalisation's gradient is that of central differences", async () => {
  const [rows, dim] = [6, 3];
  const random = new Random(4);
  const numbers = (n: number) => Float32Array.from({ length: n }, () => 2 * random.next() - 1);
  const data = numbers(rows * dim);
  const upstream = numbers(rows * dim);
  using x = device.variable("x", [rows, 1, dim], { data });
  using w = device.variable("w", [rows, 1, dim], { data: upstream });
  const loss = sum(mul(normByBatch(x.value, [1]).output, w.value));
  const [g] = grad(loss, [x]) as [Tensor];
  using program = await device.compile({ outputs: { g } });
  const { g: actual } = await program.fetch();
  const lossOf = (values: ArrayLike<number>) => {
    let total = 0;
    for (let j = 0; j < dim; j++) {
      const column = Array.from({ length: rows }, (_, b) => values[b * dim + j]!);
      const mean = column.reduce((a, b) => a + b, 0) / rows;
      const variance = column.reduce((n, v) => n + (v - mean) ** 2, 0) / rows;
      column.forEach((v, b) => {
        total += (upstream[b * dim + j]! * (v - mean)) / Math.sqrt(variance + EPSILON);
      });
    }
    return total;
  };
  const expected = Array.from(data, (_, i) => {
    const at = (by: number) => lossOf(Array.from(data, (v, j) => (j === i ? v + by : v)));
    return (at(1e-5) - at(-1e-5)) / 2e-5;
  });
  close(actual, expected, 1e-3);
});

test("maps give what a stack of matrix products gives, and its gradients", async () => {
  const [batch, slots, dim] = [6, 3, 5];
  const random = new Random(6);
  const make = (name: string, shape: number[]) =>
    device.variable(name, shape, {
      data: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => 2 * random.next() - 1),
    });
  using x = make("x", [batch, slots, dim]);
  using maps = make("maps", [slots, dim, dim]);
  using w = make("w", [batch, slots, dim]);
  const ours = applyMaps(x.value, maps.value);
  const plain = permute(matmul(permute(x.value, [1, 0, 2]), maps.value), [1, 0, 2]);
  const outputs: Record<string, Tensor> = {};
  for (const [name, y] of Object.entries({ ours, plain })) {
    const [gx, gm] = grad(sum(mul(y, w.value)), [x, maps]) as [Tensor, Tensor];
    Object.assign(outputs, { [name]: y, [`${name}.x`]: gx, [`${name}.maps`]: gm });
  }
  using program = await device.compile({ outputs });
  const out = await program.fetch();
  for (const part of ["", ".x", ".maps"]) {
    close(out[`ours${part}`]!, Array.from(out[`plain${part}`]!), 1e-5);
  }
});

describe("a training step", () => {
  const specs: FieldSpec[] = [
    { name: "a", rows: 30, slots: 1 },
    { name: "b", rows: 12, slots: 1 },
    { name: "c", rows: 20, slots: 3 },
  ];
  const read = async (v: Variable) => Array.from((await v.read()) as Float32Array);

  test.each(["rowAdam", "adam", "sgd", "adagrad"] as const)(
    "moves the chosen size of trained fields and leaves every other number and its state alone, %s",
    async (tableOptimizer) => {
      const model = fm({
        dim: DIM,
        tableOptimizer,
        learningRate: 0.1,
        std: 0.3,
        ...(tableOptimizer === "adam" ? { tableL2: 0.01 } : {}),
      });
      const config = adassConfigSchema.parse({ candidates: CANDIDATES, batchNorm: true });
      const settings = { ...settingsOf(config, { train: {} }, DIM), batch: BATCH };
      const stage = await openStage(device, { model, uniform: uniform(specs, DIM), seed: 2 }, settings);
      using program = await trainingStep(device, stage, BATCH);
      const needs = new Set(program.inputs);
      const [layout] = stage.model.layouts;
      const random = new Random(8);
      const step = (path: Path, trained: readonly number[]) => {
        const values = randomValues(specs, BATCH, random);
        const feeds = {
          ...feedsOf(layout!, specs, values),
          labels: Float32Array.from({ length: BATCH }, () => random.below(2)),
        };
        program.run({
          ...needed(program, feeds),
          ...(stage.optimizer.next(needs) as Record<string, number>),
          ...stage.candidates.feedsOf({ path, trained }, needs),
          "adass.row": 3,
        });
      };
      // so that there is momentum everywhere
      for (let k = 0; k < 4; k++) step([k, k, k], [1, 1, 1]);
      const names = [
        ...stage.model.tables.tableVariables,
        ...stage.candidates.tables,
        ...stage.candidates.dense,
      ];
      const state = stage.optimizer.state();
      const all = [
        ...names,
        ...[...state].filter(([name]) => names.some((v) => name.startsWith(`${v.name}.`))).map(([, v]) => v),
      ];
      const before = new Map<Variable, number[]>();
      for (const v of all) before.set(v, await read(v));
      // a: size 2, trained; b: the largest, not trained; c: none
      step([2, 3, 0], [1, 0, 1]);
      const moved = new Map<string, number>();
      for (const v of all) {
        const after = await read(v);
        const width = v.size / (v.shape[0] === 1 ? v.shape[1]! : v.shape[0]!);
        after.forEach((x, i) => {
          if (x === before.get(v)![i]) return;
          moved.set(v.name, (moved.get(v.name) ?? 0) + 1);
          const place = Math.floor(i / width);
          // rows 0..29 of a table are field a's; of maps and factors the first entry is
          const field = names.some(
            (n) => n.shape.length === 2 && v.name.startsWith(n.name) && v.shape[0] === 62,
          )
            ? place < 30
              ? 0
              : 1
            : place;
          expect(`${v.name} moved in field ${field}`).toBe(`${v.name} moved in field 0`);
        });
      }
      const movedNames = [...moved.keys()];
      expect(movedNames).toContain("adass.all.d2");
      expect(movedNames).toContain("adass.all.d2.map");
      expect(movedNames).toContain("adass.all.scale");
      for (const name of movedNames) expect(name).toMatch(/^adass\.all\.(d2|scale)(\.|$)/);
      // the history has the step's loss and three importances, of which field c, without numbers, has none
      const history = await read(stage.history);
      const row = history.slice(3 * 4, 4 * 4);
      expect(row[0]!).toBeGreaterThan(0);
      expect(row[1]!).toBeGreaterThan(0);
      expect(row[2]!).toBeGreaterThan(0);
      expect(row[3]!).toBe(0);
      stage.dispose();
    },
  );
});
