import type { Tensor } from "./tensor.ts";

/** Every node that the roots depend on, inputs before users. */
export function topological(roots: readonly Tensor[]): Tensor[] {
  const seen = new Set<Tensor>();
  const stack = [...roots];
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    stack.push(...node.inputs);
  }
  return [...seen].sort((a, b) => a.id - b.id);
}
