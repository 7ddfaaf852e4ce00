/** Reverse-mode differentiation: extends the graph by the gradient nodes of a scalar loss. */
import { GradientError } from "../errors.ts";
import { add } from "../graph/elementwise.ts";
import { constant, zeros } from "../graph/leaves.ts";
import type { PlanInputs, Tensor } from "../graph/tensor.ts";
import { Variable } from "../graph/variable.ts";
import { reshape } from "../graph/views.ts";
import { topological } from "../graph/walk.ts";
import { showShape } from "../shape.ts";
import { type Gradient, RowGradient } from "./row-gradient.ts";
import { ruleOf } from "./rules.ts";

type GradientOf<T> = T extends Variable ? Gradient : Tensor;

/**
 * Gradients of a scalar f32 `loss` with respect to variables or inner tensors, in the order given.
 * A table that is only looked up gets a RowGradient; everything else a Tensor of its own shape. What the loss does not
 * depend on gets zeros. Throws GradientError where no gradient exists.
 */
export function grad<const T extends readonly (Tensor | Variable)[]>(
  loss: Tensor,
  wrt: T,
): { [K in keyof T]: GradientOf<T[K]> } {
  if (loss.dtype !== "f32" || loss.shape.length !== 0) {
    throw new GradientError(
      `grad: the loss must be an f32 scalar, got ${loss.dtype} ${showShape(loss.shape)}; take a sum or a mean first.`,
    );
  }
  const targets = wrt.map((w) => (w instanceof Variable ? w.value : w));
  for (const target of targets) {
    if (target.dtype !== "f32") {
      throw new GradientError(
        `grad: gradients are for f32, but a target is ${target.dtype} ${showShape(target.shape)}.`,
      );
    }
  }
  const nodes = topological([loss]);
  const needed = leadingTo(nodes, new Set(targets));
  const cotangents = new Map<Tensor, Tensor>([[loss, constant(1)]]);
  const lookups = new Map<Tensor, RowGradient>();

  for (let i = nodes.length - 1; i >= 0; i--) {
    const y = nodes[i]!;
    const g = cotangents.get(y);
    // a target itself is needed, but nothing below it is unless another target lies there
    if (!g || !y.inputs.some((x) => needed.has(x))) continue;
    if (y.op.kind === "gather" || y.op.kind === "rows") {
      recordLookup(lookups, y, y.op, g);
      continue;
    }
    const rule = ruleOf(y);
    if (!rule)
      throw new GradientError(`grad: op "${y.op.kind}" has no gradient; use stopGradient on its way.`);
    rule(y, g).forEach((gx, k) => {
      const x = y.inputs[k]!;
      if (!gx || !needed.has(x)) return;
      const before = cotangents.get(x);
      cotangents.set(x, before ? add(before, gx) : gx);
    });
  }

  const result = wrt.map((w, i): Gradient => {
    const target = targets[i]!;
    const dense = cotangents.get(target);
    const looked = lookups.get(target);
    if (dense && looked) {
      throw new GradientError(
        `grad: table "${w instanceof Variable ? w.name : "?"}" is looked up and also used whole; ` +
          "for a penalty over the whole table use the optimizer's l2 instead of a term of the loss.",
      );
    }
    return looked ?? dense ?? zeros(target.shape);
  });
  return result as unknown as { [K in keyof T]: GradientOf<T[K]> };
}

/** Nodes through which a target influences the loss. */
function leadingTo(nodes: readonly Tensor[], targets: ReadonlySet<Tensor>): Set<Tensor> {
  const needed = new Set<Tensor>();
  for (const node of nodes) {
    if (node.dtype !== "f32") continue;
    if (targets.has(node) || node.inputs.some((x) => needed.has(x))) needed.add(node);
  }
  return needed;
}

/** g is of each looked-up vector (gather) or of each touched row (rows). */
function recordLookup(
  lookups: Map<Tensor, RowGradient>,
  y: Tensor,
  { kind, plan }: { readonly kind: "gather" | "rows"; readonly plan?: PlanInputs },
  g: Tensor,
): void {
  const table = y.inputs[0]!;
  if (table.op.kind !== "variable") {
    throw new GradientError(
      `grad: ${kind} passes gradients only to a Variable; look up the variable itself.`,
    );
  }
  const { variable } = table.op;
  if (!plan) {
    throw new GradientError(
      `grad: table "${variable.name}" was gathered without a batch plan; give gather a plan made by planInputs.`,
    );
  }
  const before = lookups.get(table);
  if (before && before.plan !== plan) {
    throw new GradientError(
      `grad: table "${variable.name}" is looked up by two plans ("${before.plan.name}", "${plan.name}"); join the ids into one lookup.`,
    );
  }
  const looked =
    kind === "rows"
      ? new RowGradient(variable, plan, undefined, g)
      : new RowGradient(variable, plan, reshape(g, [plan.positions, table.shape[1]!]));
  lookups.set(table, before ? before.plus(looked) : looked);
}
