/** A DeepFM training step as the models package builds one: two tables, a tower with batch norm and dropout, Adam. */
import * as t from "../../src/index.ts";
import type { MakeVariable } from "./random-graph.ts";

export interface DeepFmSizes {
  readonly batch: number;
  readonly fields: number;
  readonly features: number;
  readonly dim: number;
  readonly hidden: readonly number[];
}

export interface TrainingStep {
  readonly outputs: Record<string, t.Tensor>;
  readonly updates: readonly t.Tensor[];
}

/** The update of one dense parameter with its two moments. */
export function adamUpdate(make: MakeVariable, variable: t.Variable, gradient: t.Tensor): t.Tensor[] {
  const rule = t.adam({ lr: 1e-3 });
  const state = rule.slots.map((slot) => make(`${variable.name}.${slot}`, variable.shape));
  const next = rule.apply({
    weight: variable.value,
    gradient,
    state: state.map((s) => s.value),
    scalars: adamScalars(rule),
  });
  return [t.assign(variable, next.weight), ...state.map((s, i) => t.assign(s, next.state[i]!))];
}

/** The lazy update of the touched rows of one table. */
export function rowAdamUpdate(make: MakeVariable, gradient: t.RowGradient): t.Tensor[] {
  const rule = t.rowAdam({ lr: 1e-3 });
  const { table, plan } = gradient;
  const state = rule.slots.map((slot) => make(`${table.name}.${slot}`, table.shape));
  const next = rule.apply({
    weight: t.rows(table.value, plan),
    gradient: t.segmentSum(gradient.positions, plan),
    state: state.map((s) => t.rows(s.value, plan)),
    scalars: adamScalars(rule),
  });
  return [
    t.assignRows(table, next.weight, plan),
    ...state.map((s, i) => t.assignRows(s, next.state[i]!, plan)),
  ];
}

function adamScalars(rule: t.Rule): Record<string, t.Tensor> {
  return Object.fromEntries(["lr", ...rule.scalarNames].map((s) => [s, t.input(`adam.${s}`, [])]));
}

export function deepFmStep(make: MakeVariable, sizes: DeepFmSizes): TrainingStep {
  const { batch, fields, features, dim, hidden } = sizes;
  const ids = t.input("ids", [batch, fields], "u32");
  const labels = t.input("labels", [batch]);
  const plan = t.planInputs("plan", batch * fields);
  const rng = t.rngInputs();
  const embeddings = make("embeddings", [features, dim]);
  const linear = make("linear", [features, 1]);
  const bias = make("bias", [1]);

  const e = t.gather(embeddings.value, ids, plan);
  const total = t.sum(e, [1]);
  const pairs = t.mul(t.sum(t.sub(t.square(total), t.sum(t.square(e), [1])), [1]), 0.5);
  const first = t.reshape(t.sum(t.gather(linear.value, ids, plan), [1]), [batch]);

  const parameters: t.Variable[] = [bias];
  const updates: t.Tensor[] = [];
  let x = t.reshape(e, [batch, fields * dim]);
  hidden.forEach((n, i) => {
    const w = make(`w${i}`, [x.shape[1]!, n]);
    const gamma = make(`gamma${i}`, [n]);
    const beta = make(`beta${i}`, [n]);
    const b = make(`b${i}`, [n]);
    parameters.push(w, b, gamma, beta);
    const normal = t.batchNorm(
      t.add(t.matmul(x, w.value), b.value),
      { gamma, beta, runningMean: make(`mean${i}`, [n]), runningVariance: make(`variance${i}`, [n]) },
      { training: true },
    );
    updates.push(...normal.updates);
    x = t.dropout(t.relu(normal.output), 0.2, rng, i);
  });
  const out = make("out", [x.shape[1]!, 1]);
  parameters.push(out);
  const deep = t.reshape(t.matmul(x, out.value), [batch]);
  const logits = t.add(t.add(t.add(pairs, first), deep), bias.value);
  const loss = t.mean(t.bceWithLogits(logits, labels));

  const gradients = t.grad(loss, [embeddings, linear, ...parameters]);
  for (const gradient of gradients) {
    if (gradient instanceof t.RowGradient) updates.push(...rowAdamUpdate(make, gradient));
  }
  parameters.forEach((p, i) => {
    updates.push(...adamUpdate(make, p, gradients[i + 2] as t.Tensor));
  });
  return { outputs: { loss }, updates };
}
