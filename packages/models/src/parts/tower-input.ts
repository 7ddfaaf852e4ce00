/** What towers read under a scheme. */
import type { EmbeddingTables } from "@trimtab/embeddings";
import type { ModelConfig } from "../config.ts";
import { ModelError } from "../errors.ts";
import { pairOrder } from "./pair-dots.ts";

/** The inputs of a model's towers in order, each by a name that it has under every scheme: "column 2 of field 0". */
export interface TowerInputs {
  readonly tower: readonly string[];
  /** Of DLRM's bottom tower; empty: it has none. */
  readonly bottom: readonly string[];
}

/** DLRM's fields, as places in `tables.order`. */
export interface DlrmFields {
  /** Read by the bottom tower. */
  readonly dense: readonly number[];
  /** Multiplied with each other and with the bottom tower's vector. */
  readonly crossed: readonly number[];
}

/** A tower alone reads what the scheme hands out; beside a factorisation machine it reads the smaller vectors as they are. */
export function readsProjected(config: ModelConfig, tables: EmbeddingTables): boolean {
  return config.kind === "dlrm" || (config.kind !== "deepfm" && tables.projection === "linear");
}

/** Throws ModelError for a dense field that is not there. */
export function dlrmFields(dense: readonly string[], { scheme, order }: EmbeddingTables): DlrmFields {
  const names = scheme.fields.map(({ name }) => name);
  const unknown = dense.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new ModelError(
      `dlrm: dense names the field "${unknown}", but the fields are ${names.join(", ")}; name some of these.`,
    );
  }
  const places = order.map((_, place) => place);
  const isDense = (place: number) => dense.includes(names[order[place]!]!);
  return { dense: places.filter(isDense), crossed: places.filter((place) => !isDense(place)) };
}

/** Throws ModelError if a tower has nothing to read. */
export function towerInputs(config: ModelConfig, tables: EmbeddingTables): TowerInputs {
  const found =
    config.kind === "dlrm" ? ofDlrm(config.dense, tables) : { tower: ofFields(config, tables), bottom: [] };
  if (found.tower.length > 0) return found;
  if (config.kind === "dlrm" && tables.order.length > 0) {
    throw new ModelError(
      `dlrm: the scheme leaves one vector, "${tables.scheme.fields[tables.order[0]!]!.name}", and nothing to multiply it with; ` +
        "use a scheme with two fields of a dim above 0, or one with a dense field.",
    );
  }
  throw new ModelError(
    `${config.kind}: the scheme gives no field an embedding, so the tower has nothing to read; ` +
      "use a scheme with a dim above 0, or LR.",
  );
}

const wholeDim = (dim: number): number[] => Array.from({ length: dim }, (_, j) => j);

const named = (field: number, columns: readonly number[]): string[] =>
  columns.map((column) => `column ${column} of field ${field}`);

function ofFields(config: ModelConfig, tables: EmbeddingTables): string[] {
  const whole = wholeDim(tables.modelDim);
  const projected = readsProjected(config, tables);
  return tables.order.flatMap((field) => named(field, projected ? whole : tables.columnsOf(field)));
}

function ofDlrm(dense: readonly string[], tables: EmbeddingTables): TowerInputs {
  const fields = dlrmFields(dense, tables);
  const whole = wholeDim(tables.modelDim);
  const bottom = fields.dense.flatMap((place) => named(tables.order[place]!, whole));
  const ofBottom = bottom.length > 0;
  // field numbers: a pair has one name, in whatever order the tables hold its fields
  const vectors = [...(ofBottom ? [-1] : []), ...fields.crossed.map((place) => tables.order[place]!)];
  const nameOf = (field: number) => (field < 0 ? "the bottom tower" : `field ${field}`);
  const pairs = pairOrder(vectors.length).map(([i, j]) => {
    const [a, b] = [vectors[i]!, vectors[j]!].sort((x, y) => x - y) as [number, number];
    return `the product of ${nameOf(a)} and ${nameOf(b)}`;
  });
  return {
    bottom,
    tower: [...(ofBottom ? whole.map((j) => `number ${j} of the bottom tower`) : []), ...pairs],
  };
}
