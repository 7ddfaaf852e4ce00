/** An optimizer over parameter groups: owns the state variables, feeds the step's scalars, builds the updates. */
import type { Gradient } from "../autodiff/row-gradient.ts";
import { RowGradient } from "../autodiff/row-gradient.ts";
import type { Device } from "../device.ts";
import type { DType, HostArray } from "../dtype.ts";
import { GradientError, OptimizerError } from "../errors.ts";
import { add, mul } from "../graph/elementwise.ts";
import { input } from "../graph/leaves.ts";
import { assign } from "../graph/tables.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Variable } from "../graph/variable.ts";
import type { Shape } from "../shape.ts";
import type { Feeds } from "../staging.ts";
import { updateTable } from "./row-update.ts";
import type { Rule } from "./rule.ts";

/** Variables that one rule moves, with one learning rate and decay. */
export interface ParameterGroup {
  /** Prefix of the group's feeds and state; unique in an optimizer. */
  readonly name: string;
  readonly rule: Rule;
  readonly variables: readonly Variable[];
}

/** State of one parameter: a variable for each slot of the rule, and for whole-table rules a stamp of the last touch. */
export interface ParameterState {
  readonly slots: readonly Variable[];
  readonly touched?: Variable;
}

/**
 * An optimizer on one device. Build `updates` into a program, give each run the feeds of `next`, save `state()` and `step`.
 * The constructor makes the state and throws OptimizerError for names that clash, BufferTooLarge over the limit.
 */
export class Optimizer {
  readonly groups: readonly ParameterGroup[];
  /** Steps taken so far; the next step is number `step + 1`. */
  step = 0;
  /** Multiplies every group's learning rate (learning-rate drops). */
  learningRateScale = 1;
  readonly #device: Device;
  readonly #states = new Map<Variable, ParameterState>();

  constructor(device: Device, groups: readonly ParameterGroup[]) {
    this.#device = device;
    this.groups = groups;
    checkGroups(groups);
    const made: Variable[] = [];
    try {
      for (const { rule, variables } of groups) {
        for (const variable of variables) this.#states.set(variable, this.#makeState(rule, variable, made));
      }
    } catch (error) {
      for (const v of made) v.dispose();
      throw error;
    }
  }

  /** Variables that gradients are wanted for, in group order. */
  get parameters(): Variable[] {
    return this.groups.flatMap((g) => [...g.variables]);
  }

  /** State variables by a name that is stable over runs, for checkpoints. */
  state(): Map<string, Variable> {
    const all = new Map<string, Variable>();
    for (const group of this.groups) {
      for (const variable of group.variables) {
        const { slots, touched } = this.#states.get(variable)!;
        slots.forEach((slot, i) => {
          all.set(`${variable.name}.${group.rule.slots[i]}`, slot);
        });
        if (touched) all.set(`${variable.name}.touched`, touched);
      }
    }
    return all;
  }

  /**
   * The update nodes of one step, for `gradients` in the order of `parameters`; give them to `Device.compile`. Throws
   * OptimizerError where their number or order differs, GradientError where a rule of rows meets a dense gradient.
   */
  updates(gradients: readonly Gradient[]): Tensor[] {
    if (gradients.length !== this.#states.size) {
      throw new OptimizerError(
        `optimizer: ${gradients.length} gradients for ${this.#states.size} parameters; use grad(loss, optimizer.parameters).`,
      );
    }
    const out: Tensor[] = [];
    let at = 0;
    for (const group of this.groups) {
      const scalars = this.#scalars(group);
      for (const variable of group.variables) {
        const gradient = gradients[at++]!;
        if (gradient instanceof RowGradient && gradient.table !== variable) {
          throw new OptimizerError(
            `optimizer: the gradient of "${gradient.table.name}" stands in the place of "${variable.name}"'s; ` +
              "use grad(loss, optimizer.parameters).",
          );
        }
        const state = this.#states.get(variable)!;
        if (gradient instanceof RowGradient) {
          out.push(
            ...updateTable(
              group.rule,
              variable,
              gradient,
              state,
              scalars,
              input("optimizer.step", [], "u32"),
            ),
          );
        } else {
          out.push(...updateDense(group.rule, variable, gradient, state, scalars));
        }
      }
    }
    return out;
  }

  /** Feeds of the next step; counts it. `needs` is the program's own list of inputs, so that nothing unknown is fed. */
  next(needs: ReadonlySet<string>): Feeds {
    this.step++;
    const feeds: Record<string, number> = {};
    for (const { name, rule } of this.groups) {
      feeds[`${name}.lr`] = rule.learningRate * this.learningRateScale;
      const values = rule.scalars(this.step);
      rule.scalarNames.forEach((s, i) => {
        feeds[`${name}.${s}`] = values[i]!;
      });
    }
    feeds["optimizer.step"] = this.step;
    for (const name of Object.keys(feeds)) if (!needs.has(name)) delete feeds[name];
    return feeds;
  }

  /** Bytes of all state. */
  get bytes(): number {
    let n = 0;
    for (const v of this.state().values()) n += v.size * 4;
    return n;
  }

  dispose(): void {
    for (const v of this.state().values()) v.dispose();
  }

  /** Puts every variable it makes into `made`, so that a later one's failure can free them. */
  #makeState(rule: Rule, variable: Variable, made: Variable[]): ParameterState {
    const make = (slot: string, ...rest: [Shape, { dtype?: DType; data?: HostArray }]): Variable => {
      const state = this.#device.variable(`${variable.name}.${slot}`, ...rest);
      made.push(state);
      return state;
    };
    const slots = rule.slots.map((slot, i) => {
      const initial = rule.initial[i]!;
      const data = initial === 0 ? undefined : new Float32Array(variable.size).fill(initial);
      return make(slot, variable.shape, { data });
    });
    if (rule.rowsOnly || variable.shape.length !== 2 || !visitsUntouched(rule)) return { slots };
    return { slots, touched: make("touched", [variable.shape[0]!, 1], { dtype: "u32" }) };
  }

  #scalars({ name, rule }: ParameterGroup): Record<string, Tensor> {
    const names = ["lr", ...rule.scalarNames];
    return Object.fromEntries(names.map((s) => [s, input(`${name}.${s}`, [])]));
  }
}

/** Names are keys: of feeds, of states and of checkpoints. */
function checkGroups(groups: readonly ParameterGroup[]): void {
  const names = new Set<string>();
  const variables = new Set<string>();
  for (const group of groups) {
    if (names.has(group.name)) {
      throw new OptimizerError(`optimizer: two groups are named "${group.name}"; name each differently.`);
    }
    names.add(group.name);
    for (const { name, dtype } of group.variables) {
      if (dtype !== "f32") throw new OptimizerError(`optimizer: "${name}" is ${dtype}; only f32 is trained.`);
      if (variables.has(name)) {
        throw new OptimizerError(`optimizer: "${name}" is there twice; each variable is in one group once.`);
      }
      variables.add(name);
    }
  }
}

/** True if rows without a gradient move too, so that a whole-table rule must visit them. */
export function visitsUntouched(rule: Rule): boolean {
  return !rule.rowsOnly && (!rule.zeroGradientIsStill || rule.l2 !== 0 || rule.decay !== 0);
}

function updateDense(
  rule: Rule,
  variable: Variable,
  gradient: Tensor,
  state: ParameterState,
  scalars: Record<string, Tensor>,
): Tensor[] {
  if (rule.rowsOnly) {
    throw new GradientError(
      `optimizer: ${rule.name} moves touched rows only, but "${variable.name}" has a dense gradient; use the dense form.`,
    );
  }
  const weight = variable.value;
  const total = rule.l2 === 0 ? gradient : add(gradient, mul(weight, rule.l2));
  const next = rule.apply({ weight, gradient: total, state: state.slots.map((s) => s.value), scalars });
  return [assign(variable, next.weight), ...state.slots.map((slot, i) => assign(slot, next.state[i]!))];
}
