/** Row-major index arithmetic in the plainest way, shared by the reference evaluator and the tests. */

export function strides(shape: readonly number[]): number[] {
  const out = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) out[i] = out[i + 1]! * shape[i + 1]!;
  return out;
}

export function size(shape: readonly number[]): number {
  return shape.reduce((n, d) => n * d, 1);
}

/** The element number of an index. */
export function flat(index: readonly number[], shape: readonly number[]): number {
  let at = 0;
  for (let i = 0; i < shape.length; i++) at = at * shape[i]! + index[i]!;
  return at;
}

/** Calls `visit` with every index of `shape` in row-major order; the array is reused. */
export function each(shape: readonly number[], visit: (index: number[], at: number) => void): void {
  const n = size(shape);
  const index = new Array<number>(shape.length).fill(0);
  for (let at = 0; at < n; at++) {
    visit(index, at);
    for (let k = shape.length - 1; k >= 0; k--) {
      index[k] = index[k]! + 1;
      if (index[k]! < shape[k]!) break;
      index[k] = 0;
    }
  }
}
