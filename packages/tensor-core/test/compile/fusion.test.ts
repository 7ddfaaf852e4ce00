/** What fuses: the printed kernel lists of small programs. A change here is a change of speed: look before updating. */
import { describe, expect, test } from "bun:test";
import { lower } from "../../src/compile/lower.ts";
import * as t from "../../src/index.ts";
import { updateTable } from "../../src/optim/row-update.ts";
import { adamUpdate, deepFmStep, rowAdamUpdate } from "../graphs/deepfm.ts";
import { looseVariable } from "../variables.ts";

function print(
  outputs: Record<string, t.Tensor>,
  updates: readonly t.Tensor[] = [],
  maxBuffersPerKernel = 8,
): string {
  const list = Object.entries(outputs).map(([name, value]) => ({ name, value }));
  return t.printKernels(lower(list, updates, { maxBuffersPerKernel }).list);
}

test("a dense Adam update is the end of the product that makes its gradient", () => {
  const w = looseVariable("w", [20, 30]);
  const x = t.input("x", [50, 20]);
  const loss = t.sum(t.mul(t.matmul(x, w.value), t.input("g", [50, 30])));
  const [gradient] = t.grad(loss, [w]);
  expect(print({}, adamUpdate(looseVariable, w, gradient as t.Tensor))).toMatchInlineSnapshot(`
    "buffers
      b0 feeds feeds [2504]
      b1 variable w [600]
      b2 variable w.m [600]
      b3 variable w.v [600]
    0 matmul [1, 20, 30]  matmul 20x50 * 50x30 -> w.m, w, w.v
        k 50  a b0+4(0,1,20)  b b0+1004(0,30,1)
        %0 = b2[0+(0,30,1)]:f32
        %1 = 0.9:f32
        %2 = mul %0 %1
        %3 = acc 0
        %4 = 0.09999999999999998:f32
        %5 = mul %3 %4
        %6 = add %2 %5
        %7 = b1[0+(0,30,1)]:f32
        %8 = b0[0+(0,0,0)]:f32
        %9 = b0[1+(0,0,0)]:f32
        %10 = mul %6 %9
        %11 = b3[0+(0,30,1)]:f32
        %12 = 0.999:f32
        %13 = mul %11 %12
        %14 = mul %3 %3
        %15 = 0.0010000000000000009:f32
        %16 = mul %14 %15
        %17 = add %13 %16
        %18 = sqrt %17
        %19 = b0[2+(0,0,0)]:f32
        %20 = mul %18 %19
        %21 = 1e-8:f32
        %22 = add %20 %21
        %23 = div %10 %22
        %24 = mul %8 %23
        %25 = sub %7 %24
        b2[0+(0,30,1)] = %6
        b1[0+(0,30,1)] = %25
        b3[0+(0,30,1)] = %17"
  `);
});

test("FM: the sum over fields and the sum of squares are one pass", () => {
  const e = t.gather(looseVariable("table", [100, 8]).value, t.input("ids", [64, 10], "u32"));
  const total = t.sum(e, [1]);
  const pairs = t.mul(t.sum(t.sub(t.square(total), t.sum(t.square(e), [1])), [1]), 0.5);
  expect(print({ pairs })).toMatchInlineSnapshot(`
    "buffers
      b0 feeds feeds [640]
      b1 variable table [800]
      b2 output pairs [64]
      b3 temporary fold [512]
      b4 temporary fold [512]
    0 reduce [64, 8]  sum 64x10x8 over 1+sum 64x10x8 over 1
        fold [10]
        $0 = b0[0+(10,0,1)]:u32
        $1 = b1[0+(0,1,0) row $0*8]:f32
        $2 = mul $1 $1
        acc sum $1, sum $2
        %0 = acc 0
        %1 = acc 1
        b3[0+(8,1)] = %0
        b4[0+(8,1)] = %1
    1 reduce [64]  sum 64x8 over 1 -> output 0
        fold [8]
        $0 = b3[0+(8,1)]:f32
        $1 = mul $0 $0
        $2 = b4[0+(8,1)]:f32
        $3 = sub $1 $2
        acc sum $3
        %0 = acc 0
        %1 = 0.5:f32
        %2 = mul %0 %1
        b2[0+(1)] = %2"
  `);
});

test("bias and relu are the end of the product", () => {
  const [w, b] = [looseVariable("w", [16, 32]), looseVariable("b", [32])];
  const h = t.relu(t.add(t.matmul(t.input("x", [64, 16]), w.value), b.value));
  expect(print({ h })).toMatchInlineSnapshot(`
    "buffers
      b0 feeds feeds [1024]
      b1 variable w [512]
      b2 variable b [32]
      b3 output h [2048]
    0 matmul [1, 64, 32]  matmul 64x16 * 16x32 -> output 0
        k 16  a b0+0(0,16,1)  b b1+0(0,32,1)
        %0 = acc 0
        %1 = b2[0+(0,0,1)]:f32
        %2 = add %0 %1
        %3 = 0:f32
        %4 = max %2 %3
        b3[0+(0,32,1)] = %4"
  `);
});

test("a bias shared by several readers is added once, by the product", () => {
  const b = looseVariable("b", [32]);
  const h = t.add(t.matmul(t.input("x", [64, 16]), looseVariable("w", [16, 32]).value), b.value);
  expect(print({ mean: t.mean(h, [0]), most: t.max(h, [1]) })).toMatchInlineSnapshot(`
    "buffers
      b0 feeds feeds [1024]
      b1 variable b [32]
      b2 variable w [512]
      b3 output mean [32]
      b4 output most [64]
      b5 temporary binary [2048]
    0 matmul [1, 64, 32]  matmul 64x16 * 16x32
        k 16  a b0+0(0,16,1)  b b2+0(0,32,1)
        %0 = acc 0
        %1 = b1[0+(0,0,1)]:f32
        %2 = add %0 %1
        b5[0+(0,32,1)] = %2
    1 reduce [32]  sum 64x32 over 0 -> output 0
        fold [64]
        $0 = b5[0+(1,32)]:f32
        acc sum $0
        %0 = acc 0
        %1 = 0.015625:f32
        %2 = mul %0 %1
        b3[0+(1)] = %2
    2 reduce [64]  max 64x32 over 1 -> output 1
        fold [32]
        $0 = b5[0+(32,1)]:f32
        acc max $0
        %0 = acc 0
        b4[0+(1)] = %0"
  `);
});

test("what is made of touched rows once is a kernel over those rows; updates with coupled L2 stay one kernel", () => {
  const table = looseVariable("table", [100, 8]);
  const aside = looseVariable("aside", [100, 8]);
  const plan = t.planInputs("plan", 640, 100);
  const made = t.touched(t.mul(t.rows(table.value, plan), 0.5), plan);
  // put aside before the lookup: an update of the same plan that the others wait for
  const put = t.assignRows(aside, made, plan);
  const vectors = t.customGradient(t.gather(put, t.input("ids", [640], "u32")), [made], (g) => [
    t.segmentSum(g, plan),
  ]);
  const [gradient] = t.grad(t.sum(t.mul(t.square(vectors), t.input("w", [640, 8]))), [table]);
  if (!(gradient instanceof t.RowGradient)) throw new Error("expected a RowGradient");
  const slots = ["m", "v"].map((name) => looseVariable(name, [100, 8]));
  const scalars = Object.fromEntries(["lr", "c1", "c2"].map((name) => [name, t.input(name, [])]));
  const rule = t.rowAdam({ lr: 0.1, l2: 0.1 });
  const updates = updateTable(rule, table, gradient, { slots }, scalars, t.input("step", [], "u32"));
  const { list } = lower([], [put, ...updates], { maxBuffersPerKernel: 16 });
  const rows = list.kernels.filter((k) => k.kind === "segment" && k.pass === "rows");
  expect(rows.map((k) => [k.space, k.label.replace(/^.* -> /, "")])).toEqual([
    [[100, 8], "aside"],
    [[100, 8], "table, m, v"],
  ]);
  // and nothing visits the rows that are not touched
  expect(list.kernels.filter((k) => k.kind !== "segment" && [100, 800].includes(k.space[0]!))).toEqual([]);
});

test("rows that positions look up are made by a kernel of their own before their sums, also where both have one space", () => {
  const table = looseVariable("table", [100, 8]);
  const sums = looseVariable("sums", [100, 8]);
  // as many rows as positions: a sum has the space of the rows
  const plan = t.planInputs("plan", 640);
  const made = t.touched(t.mul(t.rows(table.value, plan), 0.5), plan);
  const looked = t.gather(made, t.input("places", [640], "u32"));
  const update = t.assignRows(sums, t.segmentSum(t.mul(looked, t.input("w", [640, 8])), plan), plan);
  const { list } = lower([], [update], { maxBuffersPerKernel: 16 });
  const rows = list.kernels.filter((k) => k.kind === "segment" && k.pass === "rows");
  expect(rows.map((k) => k.space)).toEqual([
    [640, 8],
    [640, 8],
  ]);
  const [first, second] = rows as [(typeof rows)[0], (typeof rows)[0]];
  expect(second.label).toEndWith("-> sums");
  // the first one's buffer is what the second one's sum reads
  const [{ buffer }] = first.stores as [(typeof first.stores)[0]];
  expect(list.buffers[buffer]).toMatchObject({ role: "temporary", length: 5120 });
  expect(JSON.stringify(second)).toContain(`"buffer":${buffer}`);
});

test("a row update is the pieces of its sums, then one kernel over the touched rows", () => {
  const table = looseVariable("table", [100, 8]);
  const plan = t.planInputs("plan", 640);
  const e = t.gather(table.value, t.input("ids", [640], "u32"), plan);
  const [gradient] = t.grad(t.sum(t.mul(e, t.input("g", [640, 8]))), [table]);
  if (!(gradient instanceof t.RowGradient)) throw new Error("expected a RowGradient");
  expect(print({}, rowAdamUpdate(looseVariable, gradient))).toMatchInlineSnapshot(`
    "buffers
      b0 feeds feeds [7720]
      b1 variable table [800]
      b2 variable table.m [800]
      b3 variable table.v [800]
      b4 temporary pieces [72]
    0 segment [9, 8]  pieces of segmentSum 640x8 -> table, table.m, table.v
        pieces of plan plan
        $0 = b0[2600+(8,1)]:f32
        acc sum $0
        %0 = acc 0
        b4[0+(8,1)] = %0
    1 segment [640, 8]  segmentSum 640x8 -> table, table.m, table.v
        rows of plan plan
        $0 = b0[2600+(8,1)]:f32
        acc sum $0
        %0 = b0[648+(1,0)]:u32
        %1 = b1[0+(0,1) row %0*8]:f32
        %2 = b0[2+(0,0)]:f32
        %3 = b2[0+(0,1) row %0*8]:f32
        %4 = 0.9:f32
        %5 = mul %3 %4
        %6 = acc 0
        %7 = 0.09999999999999998:f32
        %8 = mul %6 %7
        %9 = add %5 %8
        %10 = b0[3+(0,0)]:f32
        %11 = mul %9 %10
        %12 = b3[0+(0,1) row %0*8]:f32
        %13 = 0.999:f32
        %14 = mul %12 %13
        %15 = mul %6 %6
        %16 = 0.0010000000000000009:f32
        %17 = mul %15 %16
        %18 = add %14 %17
        %19 = sqrt %18
        %20 = b0[4+(0,0)]:f32
        %21 = mul %19 %20
        %22 = 1e-8:f32
        %23 = add %21 %22
        %24 = div %11 %23
        %25 = mul %2 %24
        %26 = sub %1 %25
        b1[0+(0,1) row %0*8] = %26
        b2[0+(0,1) row %0*8] = %9
        b3[0+(0,1) row %0*8] = %18"
  `);
});

test("rows of a reshape are read where its source lies: nothing is copied", () => {
  const table = looseVariable("table", [50, 8]);
  const product = t.matmul(t.input("x", [6, 5]), t.input("y", [5, 8]));
  const at = t.input("at", [7], "u32");
  const kernels = print({
    variable: t.gather(t.reshape(table.value, [100, 4]), at),
    fed: t.gather(t.reshape(t.input("list", [30]), [10, 3]), at),
    computed: t.gather(t.reshape(product, [12, 4]), at),
  });
  expect(kernels.match(/^\d+ .*$/gm)).toEqual([
    "0 matmul [1, 6, 8]  matmul 6x5 * 5x8",
    "1 map [7, 4]  map gather -> output 0, output 2",
    "2 map [7, 3]  map gather -> output 1",
  ]);
});

test("a swap is one kernel", () => {
  const [u, v] = [looseVariable("u", [9]), looseVariable("v", [9])];
  expect(print({}, [t.assign(u, v.value), t.assign(v, u.value)])).toMatchInlineSnapshot(`
    "buffers
      b0 feeds feeds [0]
      b1 variable u [9]
      b2 variable v [9]
    0 map [9]  map variable -> u, v
        %0 = b2[0+(1)]:f32
        %1 = b1[0+(1)]:f32
        b1[0+(1)] = %0
        b2[0+(1)] = %1"
  `);
});

describe("DeepFM 400-400-400 with batch norm, dropout and Adam", () => {
  const sizes = { batch: 4096, fields: 10, features: 5382, dim: 16, hidden: [400, 400, 400] };
  const step = deepFmStep(looseVariable, sizes);
  const outputs = Object.entries(step.outputs).map(([name, value]) => ({ name, value }));
  const { list } = lower(outputs, step.updates, { maxBuffersPerKernel: 8 });
  const count = (kind: string) => list.kernels.filter((k) => k.kind === kind).length;

  test("is few kernels", () => {
    // forward 4, backward by the input 4, by the weights 4; two tables of two passes each
    expect(count("matmul")).toBe(12);
    expect(count("segment")).toBe(4);
    expect(list.kernels.length).toBeLessThanOrEqual(70);
  });
  test("makes no table-sized temporary and no bare gradient of a weight", () => {
    const temporaries = list.buffers.filter((b) => b.role === "temporary").map((b) => b.length);
    for (const size of [5382 * 16, 400 * 400, 160 * 400]) expect(temporaries).not.toContain(size);
  });
});
