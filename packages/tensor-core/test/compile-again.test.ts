// A compiled program over other variables: the same numbers as compiled from the graph, or undefined where it depends on their number of rows.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { asyncLaw, needed, Random } from "@trimtab/test-support";
import fc from "fast-check";
import {
  add,
  assign,
  assignRows,
  type Device,
  gather,
  grad,
  input,
  matmul,
  mean,
  mul,
  openDevice,
  type PlanInputs,
  planInputs,
  rows,
  square,
  sum,
  type Tensor,
  type Variable,
} from "../src/index.ts";
import { makePlan } from "./plans.ts";
import { describeWebGpu } from "./webgpu-adapter.ts";

const COLUMNS = 3;
const POSITIONS = 8;

/** A step by touched rows: a lookup, a dense layer, and both moved by their gradients. */
function parts(table: Variable, dense: Variable, plan: PlanInputs) {
  const ids = input("ids", [POSITIONS], "u32");
  const looked = gather(table.value, ids, plan);
  const loss = mean(square(matmul(looked, dense.value)));
  const [own, whole] = grad(loss, [table, dense]);
  const moved = add(rows(table.value, plan), mul((own as { rows: Tensor }).rows, -0.1));
  return {
    outputs: { loss },
    updates: [assignRows(table, moved, plan), assign(dense, add(dense.value, mul(whole as Tensor, -0.1)))],
  };
}

function laws(open: () => Promise<Device>) {
  let device: Device;
  beforeAll(async () => {
    device = await open();
  });
  afterAll(() => device.dispose());
  const filled = (name: string, shape: readonly number[], seed: number) => {
    const random = new Random(seed);
    const size = shape.reduce((a, b) => a * b, 1);
    return device.variable(name, shape, {
      data: Float32Array.from({ length: size }, () => random.between(-1, 1)),
    });
  };

  test("takes another table of more or fewer rows, and the old one may be gone", async () => {
    const counts = fc.integer({ min: 1, max: 40 });
    await asyncLaw(
      fc.asyncProperty(counts, counts, fc.nat(), async (first, second, seed) => {
        using dense = filled("dense", [COLUMNS, 2], seed);
        const plan = planInputs("plan", POSITIONS);
        const old = filled("table", [first, COLUMNS], seed + 1);
        using program = await device.compile(parts(old, dense, plan));
        old.dispose();
        const random = new Random(seed);
        const ids = Uint32Array.from({ length: POSITIONS }, () => random.below(second));
        const results: unknown[] = [];
        for (const again of [true, false]) {
          using table = filled("table", [second, COLUMNS], seed + 2);
          using own = filled("dense", [COLUMNS, 2], seed + 3);
          using taken = again
            ? await device.compileAgain(
                program,
                new Map([
                  [old, table],
                  [dense, own],
                ]),
              )
            : await device.compile(parts(table, own, plan));
          // the dense layer is looked at whole: it keeps its shape, but may not be replaced
          if (again) expect(taken).toBeUndefined();
          using other = again ? await device.compileAgain(program, new Map([[old, table]])) : taken;
          if (again) dense.write((await own.read()) as Float32Array);
          const feeds = needed(other!, { ids, ...makePlan("plan", [...ids]).feeds });
          const answers = [];
          for (let i = 0; i < 3; i++) answers.push((await other!.fetch(feeds)).loss![0]);
          const used = again ? dense : own;
          results.push([answers, Array.from(await table.read()), Array.from(await used.read())]);
        }
        expect(results[0]).toEqual(results[1]);
      }),
      10,
    );
  });

  test("is refused where rows are counted, summed or of other columns", async () => {
    using table = filled("table", [4, COLUMNS], 1);
    using larger = filled("table", [5, COLUMNS], 1);
    using wider = filled("table", [4, COLUMNS + 1], 1);
    const replaced = new Map([[table, larger]]);
    const ids = input("ids", [2], "u32");
    for (const value of [sum(table.value), mul(table.value, 2), matmul(input("x", [1, 4]), table.value)]) {
      using program = await device.compile({ outputs: { value } });
      expect(await device.compileAgain(program, replaced)).toBeUndefined();
    }
    using written = await device.compile({ updates: [assign(table, mul(table.value, 2))] });
    expect(await device.compileAgain(written, replaced)).toBeUndefined();
    using looked = await device.compile({ outputs: { value: gather(table.value, ids) } });
    expect(await device.compileAgain(looked, new Map([[table, wider]]))).toBeUndefined();
    using fine = await device.compileAgain(looked, replaced);
    const { value } = await fine!.fetch({ ids: Uint32Array.of(4, 0) });
    const all = (await larger.read()) as Float32Array;
    expect(Array.from(value)).toEqual([...all.slice(12, 15), ...all.slice(0, 3)]);
  });
}

describe("on the cpu engine", () => laws(() => openDevice({ engine: "cpu", threads: 2 })));
describeWebGpu("on the webgpu engine", () => laws(() => openDevice({ engine: "webgpu" })));
