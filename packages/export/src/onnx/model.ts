/** Models as ONNX graphs: each computes what `Model.forward` of the models package computes when it scores. */
import { type ModelConfig, pairOrder } from "@trimtab/models";
import { LINEAR, type ModelParts } from "../capture.ts";
import { Graph, type Value } from "./graph.ts";
import { GraphInputs, placed } from "./inputs.ts";
import { type LookedUp, lookedUp } from "./lookup.ts";
import { Ops } from "./ops.ts";
import { Weights } from "./weights.ts";

/** f32 [B] each. */
export const LOGITS = "logits";
export const PROBABILITIES = "probabilities";

/** Of a batch norm; tensor-core's default, which the models leave as it is. */
const EPSILON = 1e-5;

export interface BuiltGraph {
  readonly graph: Graph;
  /** Fields that have inputs. */
  readonly used: readonly number[];
}

/** The graph of a model: ids and weights in, `logits` and `probabilities` out. */
export function buildGraph(parts: ModelParts): BuiltGraph {
  const { config, fields, order } = parts;
  const graph = new Graph();
  const o = new Ops(graph);
  const inputs = new GraphInputs(o, fields);
  const network = new Weights(o, parts.network);
  const terms: Value[] = [];
  if (network.has(LINEAR)) terms.push(linear(o, parts, inputs, network));
  if (order.length > 0) {
    const looked = lookedUp({ ops: o, parts, inputs, weights: new Weights(o, parts.embeddings) });
    if (config.kind === "fm" || config.kind === "deepfm") terms.push(pairProducts(o, looked.projected()));
    if ("hidden" in config) {
      const top = tower(o, network, towerInput(o, parts, network, looked), {
        name: "tower",
        hidden: config.hidden.length,
        reluLast: false,
      });
      terms.push(o.squeeze(top, 1));
    }
  }
  const logits = terms.reduce((total, term) => o.add(total, term));
  graph.output(LOGITS, "f32", logits);
  graph.output(PROBABILITIES, "f32", graph.op("Sigmoid", [logits]));
  return { graph, used: inputs.used };
}

/** [B]: a number a feature, and the bias. */
function linear(o: Ops, { fields }: ModelParts, inputs: GraphInputs, network: Weights): Value {
  const members = placed(
    fields,
    fields.map((_, f) => f),
  );
  const numbers = network.entries(LINEAR, inputs.rows(members), 2);
  const sum = o.sum(o.squeeze(inputs.pool(numbers, members), 2), 1);
  return o.add(sum, network.whole("linear.bias"));
}

/** [B, F, d] to [B]: half of (sum e)^2 - sum e^2. */
function pairProducts(o: Ops, e: Value): Value {
  const sum = o.sum(e, 1);
  const squares = o.sum(o.mul(e, e), 1);
  return o.mul(o.sum(o.sub(o.mul(sum, sum), squares), 1), o.graph.float(0.5));
}

interface TowerShape {
  readonly name: string;
  readonly hidden: number;
  readonly reluLast: boolean;
}

function tower(o: Ops, network: Weights, x: Value, { name, hidden, reluLast }: TowerShape): Value {
  let h = x;
  for (let i = 0; i <= hidden; i++) {
    const layer = `${name}.${i === hidden ? "output" : i}`;
    h = o.matmul(h, network.whole(`${layer}.weight`));
    if (network.has(`${layer}.bias`)) h = o.add(h, network.whole(`${layer}.bias`));
    if (network.has(`${layer}.norm.gamma`)) {
      const norm = ["gamma", "beta", "mean", "variance"].map((part) =>
        network.whole(`${layer}.norm.${part}`),
      );
      h = o.graph.op("BatchNormalization", [h, ...norm], { epsilon: EPSILON });
    }
    if (i < hidden || reluLast) h = o.relu(h);
  }
  return h;
}

/** [B, width] */
function towerInput(o: Ops, parts: ModelParts, network: Weights, looked: LookedUp): Value {
  const { config, order, modelDim, projection } = parts;
  if (config.kind === "dlrm") return dlrmInput(o, parts, network, looked, config);
  // a tower alone reads what the scheme hands out; beside a factorisation machine it reads the smaller vectors
  return config.kind !== "deepfm" && projection === "linear"
    ? o.reshape(looked.projected(), [0, order.length * modelDim])
    : looked.concat();
}

/** The bottom tower's vector and the dot products of all pairs. */
function dlrmInput(
  o: Ops,
  { fields, order, modelDim }: ModelParts,
  network: Weights,
  looked: LookedUp,
  config: Extract<ModelConfig, { kind: "dlrm" }>,
): Value {
  const e = looked.projected();
  const places = order.map((_, place) => place);
  const isDense = (place: number) => config.dense.includes(fields[order[place]!]!.name);
  const pick = (some: readonly number[]) => o.gather(e, o.graph.ints(some), 1);
  const dense = places.filter(isDense);
  const crossed = places.filter((place) => !isDense(place));
  let z: Value | undefined;
  if (dense.length > 0) {
    const read = o.reshape(pick(dense), [0, dense.length * modelDim]);
    z = tower(o, network, read, { name: "bottom", hidden: config.bottom.length, reluLast: true });
  }
  const vectors = [...(z ? [o.unsqueeze(z, 1)] : []), ...(crossed.length > 0 ? [pick(crossed)] : [])];
  const n = (z ? 1 : 0) + crossed.length;
  const read = z ? [z] : [];
  if (n > 1) {
    const all = o.concat(vectors, 1);
    const products = o.matmul(all, o.graph.op("Transpose", [all], { perm: [0n, 2n, 1n] }));
    const pairs = pairOrder(n).map(([i, j]) => i * n + j);
    read.push(o.gather(o.reshape(products, [0, n * n]), o.graph.ints(pairs), 1));
  }
  return o.concat(read, 1);
}
