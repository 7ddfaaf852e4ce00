/** The supernet on a device: the model whose own tables are the largest size, what it has beside it, and an optimizer over both. */
import { initialise, type Scheme } from "@trimtab/embeddings";
import { buildModel, denseRule, type Model, type ModelConfig, tableRule } from "@trimtab/models";
import {
  type Device,
  Optimizer,
  type ParameterGroup,
  type Rule,
  rowAdagrad,
  rowAdam,
  rowSgd,
  type Variable,
} from "@trimtab/tensor-core";
import type { Settings } from "../settings.ts";
import { CandidateTables } from "./candidates.ts";
import { still } from "./still.ts";

/** Steps between two looks at what they showed. */
export const BLOCK = 16;

export interface Stage {
  readonly model: Model;
  readonly candidates: CandidateTables;
  readonly optimizer: Optimizer;
  /** [BLOCK, 1 + F]: loss and importances of the last steps. */
  readonly history: Variable;
  /** What the supernet scores with. */
  readonly weights: ReadonlyMap<string, Variable>;
  /** Everything a checkpoint needs. */
  readonly state: ReadonlyMap<string, Variable>;
  dispose(): void;
}

const BY_ROWS: Record<string, (options: { lr: number; l2: number }) => Rule> = {
  adam: rowAdam,
  adagrad: rowAdagrad,
  sgd: rowSgd,
};

/**
 * How candidates' tables move: the model's rule on looked-up rows, whose L2 acts on them alone. Ours: a rule of whole tables would
 * move every row of every size at each step.
 */
export function candidateRule(config: ModelConfig): Rule {
  const rule = tableRule(config);
  const { learningRate: lr, l2 } = rule;
  return still(rule.rowsOnly ? rule : BY_ROWS[rule.name]!({ lr, l2 }));
}

function groupsOf(model: Model, candidates: CandidateTables): ParameterGroup[] {
  const groups: ParameterGroup[] = model.groups().map((group) =>
    group.name === "tables"
      ? {
          ...group,
          rule: candidateRule(model.config),
          variables: [...group.variables, ...candidates.tables],
        }
      : group,
  );
  const own = { name: "adass", rule: still(denseRule(model.config, 0)), variables: candidates.dense };
  return own.variables.length > 0 ? [...groups, own] : groups;
}

/** Allocates and fills with first values; compiles nothing, and leaves nothing behind if it fails. */
export async function openStage(
  device: Device,
  task: { readonly model: ModelConfig; readonly uniform: Scheme; readonly seed: number },
  settings: Settings,
): Promise<Stage> {
  using made = new DisposableStack();
  const own = <T extends { dispose(): void }>(thing: T): T => made.adopt(thing, (it) => it.dispose());
  const model = own(await buildModel(device, task.model, task.uniform, { seed: task.seed }));
  const candidates = own(new CandidateTables(device, model.tables, settings));
  await initialise(device, candidates.draws(task.model.std), task.seed);
  const optimizer = own(new Optimizer(device, groupsOf(model, candidates)));
  const fields = task.uniform.fields.length;
  const history = own(device.variable("adass.history", [BLOCK, 1 + fields]));
  const weights = new Map([...model.state, ...candidates.all.map((v) => [v.name, v] as const)]);
  const state = new Map([...weights, ...optimizer.state(), [history.name, history] as const]);
  const all = made.move();
  return { model, candidates, optimizer, history, weights, state, dispose: () => all.dispose() };
}
