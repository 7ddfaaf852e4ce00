/**
 * Updates of tables from a RowGradient. Row-wise rules visit the touched rows only. Whole-table rules do so first, stamp
 * those rows with the step's number, then visit every row whose stamp is older: no table-sized gradient exists.
 */
import type { RowGradient } from "../autodiff/row-gradient.ts";
import { add, eq, mul, where } from "../graph/elementwise.ts";
import { zeros } from "../graph/leaves.ts";
import { assign, assignRows, rows } from "../graph/tables.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Variable } from "../graph/variable.ts";
import { broadcastTo } from "../graph/views.ts";
import type { ParameterState } from "./optimizer.ts";
import type { Rule } from "./rule.ts";

export function updateTable(
  rule: Rule,
  table: Variable,
  gradient: RowGradient,
  state: ParameterState,
  scalars: Readonly<Record<string, Tensor>>,
  step: Tensor,
): Tensor[] {
  const { plan } = gradient;
  const weight = rows(table.value, plan);
  const next = rule.apply({
    weight,
    gradient: rule.l2 === 0 ? gradient.rows : add(gradient.rows, mul(weight, rule.l2)),
    state: state.slots.map((s) => rows(s.value, plan)),
    scalars,
  });
  const newTable = assignRows(table, next.weight, plan);
  const newSlots = state.slots.map((slot, i) => assignRows(slot, next.state[i]!, plan));
  if (!state.touched) return [newTable, ...newSlots];

  const stamp = broadcastTo(step, [plan.capacity, 1]);
  const touched = assignRows(state.touched, stamp, plan);
  const pull = rule.l2 === 0 ? zeros(table.shape) : mul(newTable, rule.l2);
  const rest = rule.apply({ weight: newTable, gradient: pull, state: newSlots, scalars });
  const done = eq(touched, step);
  return [
    assign(table, where(done, newTable, rest.weight), newTable),
    ...state.slots.map((slot, i) => assign(slot, where(done, newSlots[i]!, rest.state[i]!), newSlots[i]!)),
  ];
}
