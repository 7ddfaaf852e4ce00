/** What a search trains: a model under the uniform scheme, its thresholds, an optimizer over both and one step as a program. */
import type { VectorTransform } from "@trimtab/embeddings";
import { buildModel, denseRule, type Model, trainStep } from "@trimtab/models";
import type { Task } from "@trimtab/search-core";
import {
  type Device,
  type Feeds,
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
const RAMP = "pep.ramp";
/** Where nothing is learned: sigmoid of the ramp. */
const SIZE = input("pep.size", []);

export interface Stage {
  readonly model: Model;
  readonly thresholds: Thresholds;
  readonly optimizer: Optimizer;
  readonly program: Program<{ loss: Tensor }>;
  /** The same step without thresholds, for a warm-up in which nothing is pruned or learned yet; absent where they learn. */
  readonly warmUp: Program<{ loss: Tensor }> | undefined;
  /**
   * What a step is fed beside a batch (its feeds are given) and the optimizer's scalars, under a level of the ramp. Arrays
   * hold until the next call.
   */
  feedsOf(level: number, batch: Feeds): Feeds;
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
 * faithful: one optimizer with one L2 for everything, as the released code has it. scheduled: the model's own, or for tables and
 * first-order weights rowAdam.
 */
function ruleFor(group: ParameterGroup, { config }: Model, settings: Settings): ParameterGroup["rule"] {
  const table = group.name === "tables" || group.name === "linear";
  if (settings.mode === "faithful") {
    const { optimizer, l2 } = settings;
    if (table) return faithfulRule(optimizer, config.learningRate, l2);
    return denseRule(config, l2);
  }
  const own = !table || group.rule.rowsOnly || settings.tables === "model";
  return own ? group.rule : rowAdam({ lr: config.learningRate });
}

function transformOf(
  thresholds: Thresholds,
  settings: Settings,
): Pick<Stage, "feedsOf"> & { readonly transform: VectorTransform } {
  const own = (batch: Feeds) => thresholds.feedsOf(batch);
  if (settings.mode === "faithful") {
    return { transform: thresholds.transform(), feedsOf: (_level, batch) => own(batch) };
  }
  if (settings.learn) {
    return {
      transform: thresholds.transform(input(RAMP, [])),
      feedsOf: (level, batch) => ({ ...own(batch), [RAMP]: level }),
    };
  }
  return {
    transform: thresholds.transformBy(SIZE),
    feedsOf: (level) => ({ "pep.size": 1 / (1 + Math.exp(-level)) }),
  };
}

/** Allocates and compiles; leaves nothing behind if that fails. The first values are those of a retraining with the same seed. */
export async function openStage(
  device: Device,
  task: Pick<Task, "model" | "uniform" | "seed">,
  settings: Settings,
): Promise<Stage> {
  using made = new DisposableStack();
  const own = <T extends { dispose(): void }>(thing: T): T => made.adopt(thing, (it) => it.dispose());
  const model = own(await buildModel(device, task.model, task.uniform, { seed: task.seed }));
  const start = settings.mode === "faithful" ? settings.start : 0;
  const thresholds = own(new Thresholds(device, model.tables, { granularity: settings.granularity, start }));
  const optimizer = own(new Optimizer(device, groupsOf(model, thresholds, settings)));
  const { transform, feedsOf } = transformOf(thresholds, settings);
  const clip = settings.mode === "faithful" ? settings.clip : undefined;
  const program = own(await device.compile(trainStep(model, optimizer, settings.batch, { transform, clip })));
  const warmUp =
    settings.mode === "scheduled" && !settings.learn
      ? own(await device.compile(trainStep(model, optimizer, settings.batch)))
      : undefined;
  const state = new Map([
    ...model.state,
    ...thresholds.variables.map((v) => [v.name, v] as const),
    ...optimizer.state(),
  ]);
  const all = made.move();
  return { model, thresholds, optimizer, program, warmUp, feedsOf, state, dispose: () => all.dispose() };
}
