/** A path through the supernet: for each field, in scheme order, the index of its candidate size. */
export type Path = readonly number[];

export function dimsOf(path: Path, candidates: readonly number[]): number[] {
  return path.map((k) => candidates[k]!);
}

export function pathKey(path: Path): string {
  return path.join(" ");
}
