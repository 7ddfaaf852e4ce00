/** Starting a model under a smaller scheme from a trained one. */
import { inheritTables } from "@trimtab/embeddings";
import type { Variable } from "@trimtab/tensor-core";
import { ModelError } from "./errors.ts";
import type { Model } from "./model.ts";
import { towerInputs } from "./parts/tower-input.ts";

/**
 * Copies into `to` everything that its scheme kept of `from`: table columns, first-order weights, biases, the tower with the
 * rows of its first matrix that belong to kept columns. `to` then scores exactly as `from` with the other columns at zero.
 * Ours: SSEDS retrains from fresh values. `tables: false` leaves embeddings alone, where the tables of `to` have theirs already.
 * Throws ModelError or TablesError, and writes nothing, if the models do not fit.
 */
export async function inheritModel(
  from: Model,
  to: Model,
  { tables = true }: { readonly tables?: boolean } = {},
): Promise<void> {
  const copies = plan(from, to);
  if (tables) await inheritTables(from.tables, to.tables);
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
  // without dense fields the bottom tower still had an output, by its biases
  const bottom = bottomOf(from);
  if (from.state.has(bottom) && !to.state.has(bottom)) {
    throw new ModelError(
      "inheritModel: the scheme drops every dense field and with them the bottom tower, so the smaller model cannot score as the " +
        "larger one does; keep a dim of a dense field, or retrain from fresh values.",
    );
  }
  const embeddings = to.tables.state;
  const copies: Copy[] = [];
  for (const [name, target] of to.state) {
    if (embeddings.has(name)) continue;
    const source = from.state.get(name);
    const rows = keptRows(from, to, name);
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

/** The first matrix of DLRM's bottom tower, whose only one is its output's where it has no layers before. */
function bottomOf({ config }: Model): string {
  const only = config.kind === "dlrm" && config.bottom.length === 0;
  return only ? "bottom.output.weight" : "bottom.0.weight";
}

/** If `name` is a tower's first matrix: for each input of the tower of `to`, its row in the matrix of `from`. */
function keptRows(from: Model, to: Model, name: string): number[] | undefined {
  const tower = name === "tower.0.weight" ? "tower" : name === bottomOf(from) ? "bottom" : undefined;
  if (!tower) return undefined;
  const rows = new Map(towerInputs(from.config, from.tables)[tower].map((input, i) => [input, i]));
  return towerInputs(to.config, to.tables)[tower].map((input) => {
    const row = rows.get(input);
    if (row !== undefined) return row;
    throw new ModelError(
      `inheritModel: the ${tower} of the source does not read ${input}; ` +
        "inherit from the uniform model the scheme was searched on.",
    );
  });
}
