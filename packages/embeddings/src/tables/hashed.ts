/** Tables of a hashed scheme: dense ones of fewer rows. What is new is the layout, by which batches are made with the shared rows. */
import type { Device, Rule, Variable } from "@trimtab/tensor-core";
import type { TableLayout } from "../fields.ts";
import type { HashedScheme } from "../scheme/hashed.ts";
import type { Projection } from "../scheme/per-field.ts";
import type { EmbeddingTables, Vectors } from "./contract.ts";
import { WHOLE } from "./groups.ts";
import type { Draw } from "./initial.ts";
import type { LookupInputs } from "./inputs.ts";
import type { VectorTransform } from "./lookup.ts";
import { DenseTables, type FieldPlace, type TablePart } from "./tables.ts";

export class HashedTables implements EmbeddingTables {
  readonly scheme: HashedScheme;
  /** The tables as they are stored: those of `scheme.stored`. */
  readonly stored: DenseTables;

  /** Use buildTables or makeTables; a bare constructor makes tables of zeros. */
  constructor(device: Device, scheme: HashedScheme, name?: string) {
    this.scheme = scheme;
    this.stored = new DenseTables(device, scheme.stored, name, (layout) => hashedLayout(layout, scheme));
  }

  get parts(): readonly TablePart[] {
    return this.stored.parts;
  }

  get layouts(): TableLayout[] {
    return this.stored.layouts;
  }

  get order(): number[] {
    return this.stored.order;
  }

  get modelDim(): number {
    return this.stored.modelDim;
  }

  get projection(): Projection {
    return this.stored.projection;
  }

  get canProject(): boolean {
    return this.stored.canProject;
  }

  get tableVariables(): Variable[] {
    return this.stored.tableVariables;
  }

  get projectionVariables(): Variable[] {
    return this.stored.projectionVariables;
  }

  get state(): Map<string, Variable> {
    return this.stored.state;
  }

  get bytes(): number {
    return this.stored.bytes;
  }

  get trainingBytes(): number {
    return this.stored.trainingBytes;
  }

  columnsOf(f: number): readonly number[] {
    return this.stored.columnsOf(f);
  }

  placeOf(f: number): FieldPlace | undefined {
    return this.stored.placeOf(f);
  }

  lookup(inputs: LookupInputs, transform?: VectorTransform): Vectors {
    return this.stored.lookup(inputs, transform);
  }

  ruleOf(rule: Rule): Rule {
    return this.stored.ruleOf(rule);
  }

  draws(std: number): Draw[] {
    return this.stored.draws(std);
  }

  dispose(): void {
    this.stored.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** A layout by which ids share rows, under a name of its own: first-order weights still look up the layout of all rows. */
function hashedLayout(layout: TableLayout, scheme: HashedScheme): TableLayout {
  const fields = layout.fields.map(({ field, base }) =>
    scheme.isHashed(field)
      ? { field, base, hash: { rows: scheme.rows[field]!, rule: scheme.rule } }
      : { field, base },
  );
  if (!fields.some(({ hash }) => hash)) return layout;
  const name = layout.name === WHOLE ? "hashed" : `hashed-${layout.name}`;
  return { name, rows: layout.rows, fields };
}
