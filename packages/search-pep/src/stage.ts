/** What a search trains: a model under the uniform scheme, its thresholds, an optimizer over both and one step as a program. */
import { buildModel, denseRule, type Model, trainStep } from "@trimtab/models";
import type { Task } from "@trimtab/search-core";
import {
  type Device,
  input,
  Optimizer,
  type ParameterGroup,
  type Program,
  rowAdam,
  type Tensor,
  type Variable,
} from "@trimtab/tensor-core";
import { faithfulRule, type Settings, thresholdRule } from "./settings.ts";
import { Thresholds } from "./thresholds.ts";

/** The scalar that scheduled mode adds to every threshold, as it is fed. */
export const RAMP = "pep.ramp";

export interface Stage {
  readonly model: Model;
  readonly thresholds: Thresholds;
  readonly optimizer: Optimizer;
  readonly program: Program<{ loss: Tensor }>;
  /** Everything a checkpoint needs. */
  readonly state: ReadonlyMap<string, Variable>;
  dispose(): void;
}

/** Rules of a search over those of the model. */
function groupsOf(model: Model, thresholds: Thresholds, settings: Settings): ParameterGroup[] {
  const learned = settings.mode === "faithful" || settings.learn;
  const own: ParameterGroup[] = learned
    ? [{ name: "thresholds", rule: thresholdRule(settings), variables: thresholds.variables }]
    : [];
  return [...model.groups().map((group) => ({ ...group, rule: ruleFor(group, model, settings) })), ...own];
}

/**
 * faithful: one optimizer with one L2 for everything, as the released code has it. scheduled: the model's own, except that
 * tables and first-order weights move by rows.
 */
function ruleFor(group: ParameterGroup, { config }: Model, settings: Settings): ParameterGroup["rule"] {
  const table = group.name === "tables" || group.name === "linear";
  if (settings.mode === "faithful") {
    const { optimizer, l2 } = settings;
    if (table) return faithfulRule(optimizer, config.learningRate, l2);
    return denseRule(config, l2);
  }
  if (!table || group.rule.rowsOnly) return group.rule;
  return rowAdam({ lr: config.learningRate });
}

/** Allocates and compiles; leaves nothing behind if that fails. The first values are those of a retraining with the same seed. */
export async function openStage(
  device: Device,
  task: Pick<Task, "model" | "uniform" | "seed">,
  settings: Settings,
): Promise<Stage> {
  const made: { dispose(): void }[] = [];
  const dispose = () => {
    for (const each of made.reverse()) each.dispose();
  };
  const own = <T extends { dispose(): void }>(thing: T): T => {
    made.push(thing);
    return thing;
  };
  try {
    const model = own(await buildModel(device, task.model, task.uniform, { seed: task.seed }));
    const start = settings.mode === "faithful" ? settings.start : 0;
    const thresholds = own(
      new Thresholds(device, model.tables, { granularity: settings.granularity, start }),
    );
    const optimizer = own(new Optimizer(device, groupsOf(model, thresholds, settings)));
    const ramp = settings.mode === "scheduled" ? input(RAMP, []) : undefined;
    const program = own(
      await device.compile(
        trainStep(model, optimizer, settings.batch, { transform: thresholds.transform(ramp) }),
      ),
    );
    const state = new Map([
      ...model.state,
      ...thresholds.variables.map((v) => [v.name, v] as const),
      ...optimizer.state(),
    ]);
    return { model, thresholds, optimizer, program, state, dispose };
  } catch (reason) {
    dispose();
    throw reason;
  }
}
