/** First-order weights: a number a feature and a bias. */
import {
  type Draw,
  type FieldSpec,
  LINEAR_COLUMN,
  type LookupInputs,
  layoutOf,
  lookUp,
  type TableLayout,
  tableDraw,
  WHOLE,
} from "@trimtab/embeddings";
import { add, type Device, sum, type Tensor, type Variable } from "@trimtab/tensor-core";

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

  draws(std: number): Draw[] {
    const columns = this.layout.fields.map(() => [LINEAR_COLUMN]);
    return [tableDraw(this.table, this.layout, columns, std)];
  }

  /** [B] */
  apply(inputs: LookupInputs): Tensor {
    const weights = lookUp(this.table.value, this.layout, this.#fields, inputs);
    return add(sum(weights, [1, 2]), this.bias.value);
  }
}
