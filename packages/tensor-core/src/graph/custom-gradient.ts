/** Gradients that a person knows better than the chain rule does. */
import { Tensor } from "./tensor.ts";

/**
 * The values of `value`, with gradients by `backward` instead of by the ops that made it: from the gradient g of the
 * value, of its shape, to one gradient for each of `targets`, of their shapes. Gradients flow to the targets alone, so name
 * everything that `value` is made of and that is trained. For forms that are stabler or cheaper than the derived ones.
 * Throws GradientError (from `grad`) where `backward` gives another number of gradients or another shape.
 */
export function customGradient(
  value: Tensor,
  targets: readonly Tensor[],
  backward: (g: Tensor) => readonly Tensor[],
): Tensor {
  return new Tensor({ kind: "customGradient", backward }, [value, ...targets], value.shape, value.dtype);
}

/** The same values; no gradient passes. */
export function stopGradient(x: Tensor): Tensor {
  return customGradient(x, [], () => []);
}
