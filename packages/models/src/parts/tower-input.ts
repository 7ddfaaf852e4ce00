/** What a tower reads under a scheme. */
import type { EmbeddingTables } from "@trimtab/embeddings";
import type { ModelConfig } from "../config.ts";
import { ModelError } from "../errors.ts";

/** A number of a tower's input: a column of a field's vector, by the numbering of the base table. */
export interface TowerInput {
  readonly field: number;
  readonly column: number;
}

/** A tower alone reads what the scheme hands out; beside a factorisation machine it reads the smaller vectors as they are. */
export function readsProjected(config: ModelConfig, tables: EmbeddingTables): boolean {
  return config.kind !== "deepfm" && tables.projection === "linear";
}

/** The tower's inputs in order. Throws ModelError if there are none. */
export function towerInputs(config: ModelConfig, tables: EmbeddingTables): TowerInput[] {
  const whole = Array.from({ length: tables.modelDim }, (_, j) => j);
  const projected = readsProjected(config, tables);
  const inputs = tables.order.flatMap((field) =>
    (projected ? whole : tables.columnsOf(field)).map((column) => ({ field, column })),
  );
  if (inputs.length > 0) return inputs;
  throw new ModelError(
    `${config.kind}: the scheme gives no field an embedding, so the tower has nothing to read; ` +
      "use a scheme with a dim above 0, or LR.",
  );
}
