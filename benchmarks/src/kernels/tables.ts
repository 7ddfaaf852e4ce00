/** Lookups and row updates at the sizes of a training step: uniform, Zipf and all-equal ids. */
import { buildPlan, Random } from "@trimtab/data";
import {
  type Device,
  type Feeds,
  gather,
  grad,
  input,
  mul,
  Optimizer,
  type Program,
  planInputs,
  rowAdam,
  sum,
  type Tensor,
} from "@trimtab/tensor-core";

export interface TableCase {
  readonly name: string;
  readonly rows: number;
  readonly dim: number;
  readonly positions: number;
  readonly ids: "uniform" | "zipf" | "equal";
}

export const tableCases: readonly TableCase[] = (["uniform", "zipf", "equal"] as const).map((ids) => ({
  name: `${ids} ids, 100k x 16`,
  rows: 100_000,
  dim: 16,
  positions: 4096 * 20,
  ids,
}));

export function drawIds(c: TableCase): Uint32Array {
  const random = new Random(7);
  return Uint32Array.from({ length: c.positions }, () => {
    if (c.ids === "equal") return 5;
    const u = random.uniform();
    // Zipf with exponent 1 by inversion of the continuous law
    return c.ids === "zipf" ? Math.min(c.rows - 1, Math.floor(c.rows ** u) - 1) : Math.floor(u * c.rows);
  });
}

export interface TableRun {
  readonly program: Program<Record<string, Tensor>>;
  readonly feeds: Feeds;
}

/** Reads one vector a position. */
export async function gatherRun(device: Device, c: TableCase): Promise<TableRun> {
  const table = device.variable("table", [c.rows, c.dim]);
  const ids = input("ids", [c.positions], "u32");
  const program = await device.compile({ outputs: { looked: gather(table.value, ids) } });
  return { program, feeds: { ids: drawIds(c) } };
}

/** Sums one gradient a position by row and applies lazy Adam to the touched rows. */
export async function rowUpdateRun(device: Device, c: TableCase): Promise<TableRun> {
  const table = device.variable("table", [c.rows, c.dim]);
  const optimizer = new Optimizer(device, [
    { name: "tables", rule: rowAdam({ lr: 1e-3 }), variables: [table] },
  ]);
  const plan = planInputs("t", c.positions);
  const ids = input("t.ids", [c.positions], "u32");
  const pull = input("pull", [c.positions, 1]);
  const loss = sum(mul(gather(table.value, ids, plan), pull));
  const program = await device.compile({ updates: optimizer.updates(grad(loss, [table])) });
  const values = drawIds(c);
  const built = buildPlan(values, c.rows);
  const { sorted, rows, offsets, pieceOffsets, pieceFrom, pieceTo, count, pieceCount } = built;
  const needs = new Set(program.inputs);
  const all: Record<string, Feeds[string]> = {
    "t.ids": values,
    "t.sorted": sorted,
    "t.rows": rows,
    "t.offsets": offsets,
    "t.pieceOffsets": pieceOffsets,
    "t.pieceFrom": pieceFrom,
    "t.pieceTo": pieceTo,
    "t.count": count,
    "t.pieceCount": pieceCount,
    pull: new Float32Array(c.positions).fill(1e-3),
    ...optimizer.next(needs),
  };
  return { program, feeds: Object.fromEntries(Object.entries(all).filter(([name]) => needs.has(name))) };
}
