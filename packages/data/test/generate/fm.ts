// A factorization machine in plain loops, with a dim per field: enough to see whether a planted truth can be found.

import { type Columns, type FieldInfo, Random } from "../../src/index.ts";

/** Trains by Adagrad on logloss and returns the test AUC. Field f uses the first dims[f] numbers of its vectors. */
export function trainFm(
  train: Columns,
  test: Columns,
  fields: readonly FieldInfo[],
  dims: readonly number[],
  epochs: number,
  seed: number,
): number {
  const K = Math.max(1, ...dims);
  const random = new Random(seed);
  const rate = 0.05;
  const decay = 0.003;
  const V = fields.map(({ rows }, f) =>
    Float64Array.from({ length: rows * K }, (_, i) => (i % K < dims[f]! ? random.normal() * 0.02 : 0)),
  );
  const W = fields.map(({ rows }) => new Float64Array(rows));
  const GV = V.map((v) => new Float64Array(v.length).fill(0.01));
  const GW = W.map((w) => new Float64Array(w.length).fill(0.01));
  const mean = train.labels.reduce((sum, y) => sum + y, 0) / train.rows;
  const bias = Math.log(mean / (1 - mean));
  const sum = new Float64Array(K);
  const score = (columns: Columns, row: number): number => {
    sum.fill(0);
    let z = bias;
    let squares = 0;
    for (let f = 0; f < fields.length; f++) {
      const id = columns.ids[f]![row]!;
      z += W[f]![id]!;
      for (let k = 0; k < K; k++) {
        const x = V[f]![id * K + k]!;
        sum[k]! += x;
        squares += x * x;
      }
    }
    let pairs = -squares;
    for (let k = 0; k < K; k++) pairs += sum[k]! * sum[k]!;
    return z + pairs / 2;
  };
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (let row = 0; row < train.rows; row++) {
      const g = 1 / (1 + Math.exp(-score(train, row))) - train.labels[row]!;
      for (let f = 0; f < fields.length; f++) {
        const id = train.ids[f]![row]!;
        const gw = g + decay * W[f]![id]!;
        GW[f]![id]! += gw * gw;
        W[f]![id]! -= (rate * gw) / Math.sqrt(GW[f]![id]!);
        for (let k = 0; k < dims[f]!; k++) {
          const at = id * K + k;
          const gv = g * (sum[k]! - V[f]![at]!) + decay * V[f]![at]!;
          GV[f]![at]! += gv * gv;
          V[f]![at]! -= (rate * gv) / Math.sqrt(GV[f]![at]!);
        }
      }
    }
  }
  const scored = Array.from(test.labels, (y, row) => ({ y, s: score(test, row) })).sort((a, b) => a.s - b.s);
  let ranks = 0;
  let ones = 0;
  scored.forEach(({ y }, rank) => {
    if (y === 1) {
      ranks += rank + 1;
      ones++;
    }
  });
  return (ranks - (ones * (ones + 1)) / 2) / (ones * (test.rows - ones));
}
