import type { Tensor } from "../graph/tensor.ts";
import type { Group } from "./group.ts";
import { isProduct } from "./materialize.ts";

/** A short name for people: the heavy op with its extents, then where the results go. */
export function labelOf(group: Group): string {
  const first = group.roots[0]?.value;
  const work =
    group.heavy.length > 0 ? group.heavy.map(describe).join("+") : first ? `map ${showOp(first)}` : "map";
  const targets = group.roots.map(({ target }) => {
    if (target.kind === "variable")
      return target.node.op.kind.startsWith("assign") ? variableName(target.node) : "";
    if (target.kind === "output") return `output ${target.index}`;
    return "";
  });
  const named = targets.filter((t) => t !== "");
  return named.length > 0 ? `${work} -> ${named.join(", ")}` : work;
}

function variableName(node: Tensor): string {
  return node.op.kind === "assign" || node.op.kind === "assignRows" ? node.op.variable.name : "";
}

function describe(node: Tensor): string {
  const op = node.op;
  if (isProduct(node)) {
    const [a, b] = node.inputs as [Tensor, Tensor];
    return `${op.kind} ${a.shape.join("x")} * ${b.shape.join("x")}`;
  }
  if (op.kind === "fold") return `${op.name} ${node.inputs[0]!.shape.join("x")} over ${op.axes.join(",")}`;
  return `${showOp(node)} ${node.shape.join("x")}`;
}

function showOp(node: Tensor): string {
  const op = node.op;
  const name = op.kind === "unary" || op.kind === "binary" ? op.name : op.kind;
  return name;
}
