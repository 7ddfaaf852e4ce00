/** Each op's own gradient rule: from the gradient of its output to the gradients of its inputs. */
import { GradientError } from "../errors.ts";
import * as e from "../graph/elementwise.ts";
import { sum } from "../graph/folds.ts";
import { groupedMatmul, groupedOuter } from "../graph/grouped.ts";
import { matmul } from "../graph/matmul.ts";
import type { Op, Tensor } from "../graph/tensor.ts";
import { broadcastTo, pad, permute, reshape, slice, transpose } from "../graph/views.ts";
import type { BinaryName, UnaryName } from "../kernels/ir.ts";
import { sameShape, showShape } from "../shape.ts";

/** undefined: no gradient flows into that input. */
type InputGradients = readonly (Tensor | undefined)[];
type Rule = (y: Tensor, g: Tensor) => InputGradients;

const unaryRules: { [N in UnaryName]: (x: Tensor, y: Tensor, g: Tensor) => Tensor | undefined } = {
  neg: (_x, _y, g) => e.neg(g),
  abs: (x, _y, g) => e.mul(g, e.sign(x)),
  sign: () => undefined,
  exp: (_x, y, g) => e.mul(g, y),
  log: (x, _y, g) => e.div(g, x),
  log1p: (x, _y, g) => e.div(g, e.add(x, 1)),
  sqrt: (_x, y, g) => e.div(e.mul(g, 0.5), y),
  rsqrt: (_x, y, g) => e.mul(e.mul(g, -0.5), e.mul(y, e.mul(y, y))),
  recip: (_x, y, g) => e.neg(e.mul(g, e.mul(y, y))),
  sigmoid: (_x, y, g) => e.mul(g, e.mul(y, e.sub(1, y))),
  tanh: (_x, y, g) => e.mul(g, e.sub(1, e.mul(y, y))),
  floor: () => undefined,
};

type BinaryRule = (a: Tensor, b: Tensor, y: Tensor, g: Tensor) => InputGradients;

/** At a tie the gradient goes to the second operand, so relu'(0) = 0 as elsewhere. */
function pick(wins: Tensor, g: Tensor): InputGradients {
  return [e.where(wins, g, 0), e.where(wins, 0, g)];
}

function isConstant(x: Tensor): boolean {
  return x.op.kind === "const" || (x.op.kind === "broadcast" && isConstant(x.inputs[0]!));
}

const binaryRules: { [N in BinaryName]?: BinaryRule } = {
  add: (_a, _b, _y, g) => [g, g],
  sub: (_a, _b, _y, g) => [g, e.neg(g)],
  mul: (a, b, _y, g) => [e.mul(g, b), e.mul(g, a)],
  div: (_a, b, y, g) => [e.div(g, b), e.neg(e.mul(g, e.div(y, b)))],
  // against a constant the output tells the winner, so the input need not be kept
  max: (a, b, y, g) => pick(e.gt(isConstant(b) ? y : a, b), g),
  min: (a, b, y, g) => pick(e.lt(isConstant(b) ? y : a, b), g),
  // a - b * trunc(a / b): the quotient is constant almost everywhere
  mod: (a, b, y, g) => [g, isConstant(b) ? undefined : e.neg(e.mul(g, e.div(e.sub(a, y), b)))],
  pow: (a, b, y, g) => [
    e.mul(g, e.mul(b, e.pow(a, e.sub(b, 1)))),
    isConstant(b) ? undefined : e.mul(g, e.mul(y, e.log(a))),
  ],
};

/** Sums a broadcast gradient back to the input's shape. */
function unbroadcast(g: Tensor, x: Tensor): Tensor {
  const lead = g.shape.length - x.shape.length;
  const axes = g.shape
    .map((_, i) => i)
    .filter((i) => i < lead || (x.shape[i - lead] === 1 && g.shape[i] !== 1));
  return reshape(sum(g, axes, { keep: true }), x.shape);
}

function inverse(order: readonly number[]): number[] {
  const out = new Array<number>(order.length);
  order.forEach((o, i) => {
    out[o] = i;
  });
  return out;
}

/** A hand-written rule's gradients, if they fit what they are of. */
function checked(y: Tensor, gradients: readonly Tensor[]): readonly Tensor[] {
  const targets = y.inputs.slice(1);
  const fits =
    gradients.length === targets.length && gradients.every((g, i) => sameShape(g.shape, targets[i]!.shape));
  if (fits) return gradients;
  const show = (list: readonly Tensor[]) => list.map((t) => showShape(t.shape)).join(", ") || "none";
  throw new GradientError(
    `customGradient: backward gives gradients of shapes ${show(gradients)}, its targets are ${show(targets)}.`,
  );
}

const NONE: Rule = (y) => y.inputs.map(() => undefined);

const structural: { [K in Op["kind"]]?: Rule } = {
  reshape: (y, g) => [reshape(g, y.inputs[0]!.shape)],
  permute: (y, g) => (y.op.kind === "permute" ? [permute(g, inverse(y.op.order))] : []),
  broadcast: (y, g) => [unbroadcast(g, y.inputs[0]!)],
  slice: (y, g) => (y.op.kind === "slice" ? [pad(g, y.op.start, y.inputs[0]!.shape)] : []),
  concat: (y, g) => {
    if (y.op.kind !== "concat") return [];
    const axis = y.op.axis;
    let at = 0;
    return y.inputs.map((x) => {
      const from = g.shape.map((_, i) => (i === axis ? at : 0));
      at += x.shape[axis]!;
      return slice(
        g,
        from,
        g.shape.map((d, i) => (i === axis ? at : d)),
      );
    });
  },
  fold: (y, g) => {
    if (y.op.kind !== "fold") return [];
    const x = y.inputs[0]!;
    if (y.op.name === "sum") return [broadcastTo(g, x.shape)];
    // ties share the gradient
    const hit = e.cast(e.eq(x, broadcastTo(y, x.shape)), "f32");
    return [e.mul(hit, broadcastTo(e.div(g, sum(hit, y.op.axes, { keep: true })), x.shape))];
  },
  matmul: (y, g) => {
    const [a, b] = y.inputs as [Tensor, Tensor];
    return [matmul(g, transpose(b)), matmul(transpose(a), g)];
  },
  groupedMatmul: (y, g) => {
    if (y.op.kind !== "groupedMatmul") return [];
    const [a, b] = y.inputs as [Tensor, Tensor];
    const { plan, bounds } = y.op;
    return [groupedMatmul(g, transpose(b), plan, bounds), groupedOuter(a, g, plan, bounds)];
  },
  groupedOuter: (y, g) => {
    if (y.op.kind !== "groupedOuter") return [];
    const [a, b] = y.inputs as [Tensor, Tensor];
    const { plan, bounds } = y.op;
    return [groupedMatmul(b, transpose(g), plan, bounds), groupedMatmul(a, g, plan, bounds)];
  },
  select: (y, g) => [undefined, e.where(y.inputs[0]!, g, 0), e.where(y.inputs[0]!, 0, g)],
  customGradient: (y, g) =>
    y.op.kind === "customGradient" ? [undefined, ...checked(y, y.op.backward(g))] : [],
  touched: (_y, g) => [g],
  cast: NONE,
  threefry: NONE,
};

/** The rule of y's op, or undefined where the op has none (the caller explains). */
export function ruleOf(y: Tensor): Rule | undefined {
  const op = y.op;
  if (op.kind === "unary") return (t, g) => [unaryRules[op.name](t.inputs[0]!, t, g)];
  if (op.kind === "binary") {
    const rule = binaryRules[op.name];
    if (!rule) return NONE;
    return (t, g) => rule(t.inputs[0]!, t.inputs[1]!, t, g);
  }
  return structural[op.kind];
}
