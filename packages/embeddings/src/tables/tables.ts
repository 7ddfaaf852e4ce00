/** Dense tables of a uniform or per-field scheme: variables for what the scheme says exists, and nothing else. */
import type { Device, Rule, Variable } from "@trimtab/tensor-core";
import { TablesError } from "../errors.ts";
import type { TableLayout } from "../fields.ts";
import { asDimScheme, type DimScheme, type Projection } from "../scheme/per-field.ts";
import { type Scheme, VALUE_BYTES } from "../scheme/scheme.ts";
import type { EmbeddingTables } from "./contract.ts";
import { groupsOf, type TableGroup } from "./groups.ts";
import { type Draw, projectionDraw, tableDraw } from "./initial.ts";
import type { LookupInputs } from "./inputs.ts";
import { Lookup, type VectorTransform } from "./lookup.ts";

/** One table with the stacked projections of its fields, if they have any. */
export interface TablePart {
  readonly group: TableGroup;
  /** [rows of the group, d_g] */
  readonly table: Variable;
  /** [F_g, d_g, base] */
  readonly projection?: Variable;
  /** u32 [F_g, d_g]: the column of the base dim that each number belongs to. Follows from the scheme; never trained. */
  readonly positions?: Variable;
}

/** Where the numbers of one field are. */
export interface FieldPlace {
  readonly part: TablePart;
  /** First row of the field in the table. */
  readonly base: number;
  /** Position of the field in its group. */
  readonly index: number;
}

export class DenseTables implements EmbeddingTables {
  readonly scheme: DimScheme;
  readonly parts: readonly TablePart[];

  /**
   * Use buildTables or makeTables; a bare constructor makes tables of zeros. `relayout` changes what a lookup is fed, not what is stored.
   */
  constructor(
    device: Device,
    scheme: Scheme,
    name = "embeddings",
    relayout = (layout: TableLayout): TableLayout => layout,
  ) {
    const dims = asDimScheme(scheme);
    this.scheme = dims;
    const parts: TablePart[] = [];
    this.parts = parts;
    try {
      for (const made of groupsOf(dims, device.info.maxBindingBytes)) {
        const group = { ...made, layout: relayout(made.layout) };
        const at = `${name}.${group.layout.name}`;
        const table = device.variable(at, [group.layout.rows, group.dim]);
        parts.push({ group, table });
        if (group.placed) {
          const data = Uint32Array.from(group.fields.flatMap((f) => [...dims.columnsOf(f)]));
          const shape = [group.fields.length, group.dim];
          const positions = device.variable(`${at}.positions`, shape, { dtype: "u32", data });
          parts[parts.length - 1] = { group, table, positions };
        }
        if (!group.projected) continue;
        const shape = [group.fields.length, group.dim, dims.base];
        parts[parts.length - 1] = { group, table, projection: device.variable(`${at}.projection`, shape) };
      }
    } catch (reason) {
      // a table over the limit must not leave its smaller neighbours behind
      this.dispose();
      throw reason;
    }
  }

  /** One layout a table; its ids, weights and plan are what a lookup is fed. */
  get layouts(): TableLayout[] {
    return this.parts.map(({ group }) => group.layout);
  }

  /** Fields that have an embedding, in the order in which `concat` and `projected` hold them. */
  get order(): number[] {
    return this.parts.flatMap(({ group }) => [...group.fields]);
  }

  /** The dim of `projected`: the base dim, or the only dim of a scheme without projections. */
  get modelDim(): number {
    const { base, dims, projection } = this.scheme;
    return projection === "none" ? Math.max(0, ...dims) : base;
  }

  get projection(): Projection {
    return this.scheme.projection;
  }

  get canProject(): boolean {
    return this.projection !== "none" || this.parts.every(({ group }) => group.dim === this.modelDim);
  }

  /** Dense tables train as they are served. */
  get trainingBytes(): number {
    return 0;
  }

  columnsOf(f: number): readonly number[] {
    return this.scheme.columnsOf(f);
  }

  ruleOf(rule: Rule): Rule {
    return rule;
  }

  /** Length of a concatenated vector: sum of d_f. */
  get width(): number {
    return this.scheme.dims.reduce((n, d) => n + d, 0);
  }

  get tableVariables(): Variable[] {
    return this.parts.map(({ table }) => table);
  }

  get projectionVariables(): Variable[] {
    return this.parts.flatMap(({ projection }) => (projection ? [projection] : []));
  }

  /** Column numbers, which follow from the scheme. */
  get positionVariables(): Variable[] {
    return this.parts.flatMap(({ positions }) => (positions ? [positions] : []));
  }

  /** Everything a checkpoint needs, by name. */
  get state(): Map<string, Variable> {
    return new Map([...this.tableVariables, ...this.projectionVariables].map((v) => [v.name, v]));
  }

  /** Bytes of the device buffers; equal to the scheme's serve bytes. */
  get bytes(): number {
    let n = 0;
    for (const v of [...this.state.values(), ...this.positionVariables]) n += v.size * VALUE_BYTES;
    return n;
  }

  /** Where field f is, or undefined if the scheme gives it no embedding. */
  placeOf(f: number): FieldPlace | undefined {
    for (const part of this.parts) {
      const index = part.group.fields.indexOf(f);
      if (index >= 0) return { part, base: part.group.layout.fields[index]!.base, index };
    }
    return undefined;
  }

  /** The vectors of a batch, by way of `transform` where one is given. */
  lookup(inputs: LookupInputs, transform?: VectorTransform): Lookup {
    if (this.parts.length > 0) return new Lookup(this, inputs, transform);
    throw new TablesError("lookup: the scheme gives no field an embedding; every dim is 0.");
  }

  /** First values: normals of standard deviation `std`; projections keep a vector's variance (LeCun's 1/sqrt(d_f)). */
  draws(std: number): Draw[] {
    return this.parts.flatMap(({ group, table, projection }) => {
      const columns = group.fields.map((f) => this.scheme.columnsOf(f));
      const draw = tableDraw(table, group.layout, columns, std);
      return projection ? [draw, projectionDraw(projection, group.fields, group.dim ** -0.5)] : [draw];
    });
  }

  dispose(): void {
    for (const v of [...this.state.values(), ...this.positionVariables]) v.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
