/** Random lookups and updates of variables, in awkward orders. */
import type { Tensor, Variable } from "../../src/index.ts";
import * as t from "../../src/index.ts";
import { makePlan } from "../plans.ts";
import { size } from "../reference/index-space.ts";
import type { Pool, Table } from "./random-pool.ts";

function someTable(g: Pool): Table {
  const r = g.random;
  if (g.tables.length > 0 && r.next() < 0.5) return r.pick(g.tables);
  if (g.tables.length > 0 && r.next() < 0.4) {
    // another table of the same rows, looked up by the same plan
    const { variable, plan, ids } = r.pick(g.tables);
    const twin = { variable: g.variable([variable.shape[0]!, r.pick([1, 2, 3])]), plan, ids };
    g.tables.push(twin);
    return twin;
  }
  const n = r.pick([1, 2, 5, 9, 40]);
  // as many positions as rows now and then: then a table and its touched rows have one shape
  const { ids, list } = g.ids(r.pick([1, 4, n, 33, 200, 300]), n);
  const plan = makePlan(g.freshName("plan"), list);
  Object.assign(g.feeds, plan.feeds, { [`${plan.inputs.name}.places`]: plan.places });
  const table = { variable: g.variable([n, r.pick([1, 2, 3, 8])]), plan, ids };
  g.tables.push(table);
  return table;
}

export function gather(g: Pool): void {
  const r = g.random;
  const x = g.any();
  if (x.shape.length === 2 && size(x.shape) > 0 && r.next() < 0.4) {
    const { ids } = g.ids(r.pick([1, 6, 20]), x.shape[0]!);
    g.keep(t.gather(x, r.next() < 0.5 ? ids : t.reshape(ids, [1, ids.shape[0]!])));
    return;
  }
  const elements = size(x.shape);
  if (elements > 0 && r.next() < 0.3) {
    // rows of another width than the tensor's own
    const width = r.pick([1, 2, 3, 4, x.shape.at(-1) ?? 1].filter((n) => elements % n === 0));
    const { ids } = g.ids(r.pick([1, 6, 20]), elements / width);
    g.keep(t.gather(t.reshape(x, [elements / width, width]), ids));
    return;
  }
  const table = someTable(g);
  const source = r.next() < 0.7 ? table.variable.value : g.versions.get(table.variable)!;
  g.keep(t.gather(source, table.ids, source === table.variable.value ? table.plan.inputs : undefined));
}

function set(g: Pool, variable: Variable, value: Tensor): void {
  const node = t.assign(variable, value, g.versions.get(variable)!);
  g.versions.set(variable, node);
  if (g.random.next() < 0.3) g.keep(node);
}

export function assign(g: Pool): void {
  const r = g.random;
  const x = g.any();
  const known = [...g.versions.keys()];
  const variable = known.length > 0 && r.next() < 0.7 ? r.pick(known) : g.variable(x.shape);
  const now = g.versions.get(variable)!;
  const { shape } = variable;
  const same = g.pool.filter((p) => size(p.shape) === size(shape) && p.dtype === "f32");
  const turned = t.reshape(t.permute(now, [...shape.keys()].reverse()), shape);
  const value = r.pick([
    () => t.mul(t.add(now, 0.25), 0.9),
    () => t.tanh(turned),
    () => turned,
    () => t.mul(t.add(now, t.tanh(variable.value)), 0.5),
    () => (same.length > 0 ? t.reshape(r.pick(same), shape) : now),
    () => (same.length > 0 ? t.add(now, t.mul(t.reshape(r.pick(same), shape), 0.1)) : now),
    () => t.add(t.mul(now, 0.5), size(x.shape) > 0 ? t.mean(x) : 0),
    () => t.broadcastTo(t.constant(0.5), shape),
  ])();
  set(g, variable, value);
}

export function swap(g: Pool): void {
  const r = g.random;
  const known = [...g.versions.keys()].filter((v) => v.dtype === "f32");
  const u = known.length > 0 && r.next() < 0.6 ? r.pick(known) : g.variable(g.shape());
  const others = known.filter((v) => v !== u && t.sizeOf(v.shape) === t.sizeOf(u.shape));
  const v = others.length > 0 ? r.pick(others) : g.variable(u.shape);
  const w = r.next() < 0.3 ? g.variable(u.shape) : v;
  const [a, b, c] = [u, v, w].map((x) => g.versions.get(x)!) as [Tensor, Tensor, Tensor];
  const change = (x: Tensor, shape: readonly number[]) =>
    t.reshape(r.next() < 0.5 ? x : t.mul(x, 0.75), shape);
  set(g, u, change(b, u.shape));
  if (w !== v) set(g, v, change(c, v.shape));
  set(g, w, change(a, w.shape));
}

export function updateRows(g: Pool): void {
  const r = g.random;
  const { variable, plan, ids } = someTable(g);
  const [, d] = variable.shape as [number, number];
  const now = g.versions.get(variable)!;
  const positions = plan.inputs.positions;
  const vectors = t.gather(now, ids);
  const extra = g.input([positions, 1]);
  const summed = t.segmentSum(t.mul(t.tanh(t.mul(vectors, extra)), 1 / positions), plan.inputs);
  const change = r.next() < 0.3 ? t.touched(t.tanh(summed), plan.inputs) : summed;
  const here = t.rows(now, plan.inputs);
  // a line for each touched row, made once and looked up at every position
  if (r.next() < 0.3) g.keep(t.spread(t.touched(t.tanh(t.mul(here, 2)), plan.inputs), plan.inputs));
  const moment = g.variable(variable.shape);
  // coupled L2: weight and moment read each other
  const gradient = r.next() < 0.5 ? change : t.add(change, t.mul(here, 0.1));
  const m = t.add(t.mul(t.rows(moment.value, plan.inputs), 0.9), gradient);
  const write = (v: Variable, value: Tensor) => {
    const node = t.assignRows(v, value, plan.inputs, g.versions.get(v)!);
    g.versions.set(v, node);
    if (r.next() < 0.3) g.keep(node);
    return node;
  };
  const next = t.sub(here, t.mul(0.3, r.next() < 0.5 ? change : m));
  const table = write(variable, next);
  if (r.next() < 0.7) write(moment, m);
  // what lies beyond the touched rows means nothing, until it is masked
  if (r.next() < 0.4) {
    const touched = t.lt(t.iota([positions, 1]), plan.inputs.count);
    g.keep(t.where(touched, change, t.constant(0, "f32", [positions, d])));
  }
  // whole-table passes after the touched rows, as dense Adam on a table makes them
  if (r.next() < 0.4)
    set(g, variable, t.add(t.mul(table, 0.99), t.mul(t.tanh(g.versions.get(moment)!), 0.01)));
}

export function readVersion(g: Pool): void {
  const versions = [...g.versions];
  if (versions.length === 0) return;
  const [variable, now] = g.random.pick(versions);
  g.keep(g.random.pick([() => variable.value, () => now, () => t.sub(now, variable.value)])());
}
