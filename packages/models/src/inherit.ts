/** Starting a model under a smaller scheme from a trained one. */
import { inheritTables } from "@trimtab/embeddings";
import type { Variable } from "@trimtab/tensor-core";
import { ModelError } from "./errors.ts";
import type { Model } from "./model.ts";
import { towerInputs } from "./parts/tower-input.ts";

/**
 * Copies into `to` everything that its scheme kept of `from`: table columns, first-order weights, biases, the tower with the
 * rows of its first matrix that belong to kept columns. `to` then scores exactly as `from` with the other columns at zero.
 * Ours: SSEDS retrains from fresh values. Throws ModelError or TablesError, and writes nothing, if the models do not fit.
 */
export async function inheritModel(from: Model, to: Model): Promise<void> {
  const copies = plan(from, to);
  await inheritTables(from.tables, to.tables);
  for (const { source, target, rows } of copies) {
    const values = await source.read();
    if (!rows) {
      target.write(values);
      continue;
    }
    const width = target.shape[1]!;
    const kept = new Float32Array(target.size);
    rows.forEach((row, i) => {
      kept.set(values.subarray(row * width, (row + 1) * width) as Float32Array, i * width);
    });
    target.write(kept);
  }
}

interface Copy {
  readonly source: Variable;
  readonly target: Variable;
  /** Rows of the source to take, in order; all when left out. */
  readonly rows?: readonly number[];
}

function plan(from: Model, to: Model): Copy[] {
  if (from.config.kind !== to.config.kind) {
    throw new ModelError(
      `inheritModel: a ${to.config.kind} cannot start from a ${from.config.kind}; use models of one kind.`,
    );
  }
  const embeddings = to.tables.state;
  const copies: Copy[] = [];
  for (const [name, target] of to.state) {
    if (embeddings.has(name)) continue;
    const source = from.state.get(name);
    const rows = name === "tower.0.weight" ? keptRows(from, to) : undefined;
    const fits =
      source?.shape.length === target.shape.length &&
      source.shape.every((d, axis) => d === target.shape[axis] || (axis === 0 && rows !== undefined));
    if (!source || !fits) {
      throw new ModelError(
        `inheritModel: "${name}" is [${target.shape.join(", ")}], the source has ` +
          `${source ? `[${source.shape.join(", ")}]` : "none"}; use configurations with the same tower.`,
      );
    }
    copies.push({ source, target, rows });
  }
  return copies;
}

/** For each input of the tower of `to`, the row of the same column in the first matrix of `from`. */
function keptRows(from: Model, to: Model): number[] {
  const key = ({ field, column }: { field: number; column: number }) => `${field} ${column}`;
  const rows = new Map(towerInputs(from.config, from.tables).map((input, i) => [key(input), i]));
  return towerInputs(to.config, to.tables).map((input) => {
    const row = rows.get(key(input));
    if (row !== undefined) return row;
    throw new ModelError(
      `inheritModel: the tower of the source does not read column ${input.column} of field ${input.field}; ` +
        "inherit from the uniform model the scheme was searched on.",
    );
  });
}
