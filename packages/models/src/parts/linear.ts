/** First-order weights: a number a feature and a bias. */
import {
  type FieldSpec,
  type InitialValues,
  LINEAR_COLUMN,
  type LookupInputs,
  layoutOf,
  lookUp,
  type TableLayout,
  tableNormals,
  WHOLE,
} from "@trimtab/embeddings";
import { add, type Device, mul, sum, type Tensor, type Variable } from "@trimtab/tensor-core";

/** Every field keeps its first-order weights, whatever dim its embedding has: they are one number a row. */
export class Linear {
  readonly layout: TableLayout;
  /** [N, 1] */
  readonly table: Variable;
  /** [1] */
  readonly bias: Variable;
  readonly #fields: readonly FieldSpec[];

  constructor(device: Device, fields: readonly FieldSpec[]) {
    this.#fields = fields;
    this.layout = layoutOf(WHOLE, fields);
    this.table = device.variable("linear.weight", [this.layout.rows, 1]);
    this.bias = device.variable("linear.bias", [1]);
  }

  initial(seed: number, std: number): InitialValues {
    const columns = this.layout.fields.map(() => [LINEAR_COLUMN]);
    const { value, feeds } = tableNormals(this.table.name, this.layout, columns, seed);
    return { values: new Map([[this.table, mul(value, std)]]), feeds };
  }

  /** [B] */
  apply(inputs: LookupInputs): Tensor {
    const weights = lookUp(this.table.value, this.layout, this.#fields, inputs);
    return add(sum(weights, [1, 2]), this.bias.value);
  }
}
