/** A rule under which numbers without a gradient stay as they are, and so does their state. */
import { add, mul, ne, type Rule, where } from "@trimtab/tensor-core";

/**
 * A step uses one size of each field, so the gradients of all others are exactly zero. An optimizer with momentum would move them
 * nevertheless, and L2 would shrink them. Here a number with a gradient of exactly zero is left alone; coupled L2 joins the rest.
 */
export function still(rule: Rule): Rule {
  return {
    ...rule,
    l2: 0,
    decay: 0,
    zeroGradientIsStill: true,
    apply: ({ weight, gradient, state, scalars }) => {
      const live = ne(gradient, 0);
      const whole = rule.l2 === 0 ? gradient : add(gradient, mul(weight, rule.l2));
      const next = rule.apply({ weight, gradient: whole, state, scalars });
      return {
        weight: where(live, next.weight, weight),
        state: next.state.map((s, i) => where(live, s, state[i]!)),
      };
    },
  };
}
