/** The model that chunks can be trained in: tables whose optimizer moves looked-up rows only. */
import { type ModelConfig, parseModelConfig } from "@trimtab/models";

const BY_ROW = { adam: "rowAdam", adagrad: "rowAdagrad", sgd: "rowSgd" } as const;

/**
 * `model` with a table optimizer by rows, and what changed in words. Chunks that a batch does not look up may have no memory at all, so
 * nothing can move them; L2 of whole tables becomes L2 of looked-up rows.
 */
export function rowModel(model: ModelConfig): { readonly model: ModelConfig; readonly changed?: string } {
  const { tableOptimizer, tableL2 } = model;
  if (tableOptimizer.startsWith("row")) return { model };
  const own = BY_ROW[tableOptimizer as keyof typeof BY_ROW];
  const changed = parseModelConfig({ ...model, tableOptimizer: own, tableL2: 0, lookupL2: tableL2 });
  const l2 = tableL2 > 0 ? `, and its L2 of ${tableL2} acts on looked-up rows only` : "";
  return {
    model: changed,
    changed: `the model's ${tableOptimizer} on whole tables is replaced by ${own}, because chunks that are not looked up cannot be moved${l2}`,
  };
}
