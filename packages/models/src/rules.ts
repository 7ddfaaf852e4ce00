/** From a configuration to optimizer rules. */
import type { TrainCost } from "@trimtab/embeddings";
import { adagrad, adam, type Rule, rowAdagrad, rowAdam, rowSgd, sgd } from "@trimtab/tensor-core";
import type { ModelConfig } from "./config.ts";

const RULES = { adam, adagrad, sgd, rowAdam, rowAdagrad, rowSgd };

/** The rule of embedding tables. */
export function tableRule(config: ModelConfig): Rule {
  const l2 = config.tableL2 + config.lookupL2; // one of them is zero: each belongs to its own optimizers
  return RULES[config.tableOptimizer]({ lr: config.learningRate, l2 });
}

/** The rule of first-order weights. */
export function linearRule(config: ModelConfig): Rule {
  const l2 = config.linearL2 ?? config.tableL2 + config.lookupL2;
  return RULES[config.tableOptimizer]({ lr: config.learningRate, l2 });
}

/** The rule of everything else, with coupled L2. */
export function denseRule(config: ModelConfig, l2: number): Rule {
  return RULES[config.optimizer]({ lr: config.learningRate, l2 });
}

/** What training costs beside the numbers themselves, for `scheme.trainBytes`. */
export function trainCost(config: ModelConfig): TrainCost {
  const rule = tableRule(config);
  // rows that no batch touched move too, so the optimizer stamps those that one did
  const touched = !rule.rowsOnly && (!rule.zeroGradientIsStill || rule.l2 !== 0 || rule.decay !== 0);
  return { slots: rule.slots.length, touched, denseSlots: denseRule(config, 0).slots.length };
}
