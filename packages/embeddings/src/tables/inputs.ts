/** What a program is fed to look up one batch: ids, pooling weights and the batch plan of each layout, made once a graph. */
import { input, type PlanInputs, planInputs, type Tensor } from "@trimtab/tensor-core";
import { type FieldSpec, isPooled, slotsOf, type TableLayout, touchedAtMost } from "../fields.ts";

interface LayoutInputs {
  readonly ids: Tensor;
  readonly weights?: Tensor;
  readonly plan?: PlanInputs;
}

/**
 * Inputs by layout, for batches of `batch` rows. Tables that share a layout share its inputs, so that one plan serves
 * them all. Fed as `<layout>.ids` u32 [B, S]; `<layout>.weights` f32 [B, S] where a field is multi-valued (1/k for the k
 * ids of a row, 0 for padding, whose id is 0 and which is left out of the plan); with `training`, the plan's arrays.
 */
export class LookupInputs {
  readonly batch: number;
  readonly training: boolean;
  readonly #fields: readonly FieldSpec[];
  readonly #made = new Map<string, LayoutInputs>();

  constructor(
    fields: readonly FieldSpec[],
    options: {
      readonly batch: number;
      /** Ask for batch plans, so that tables get gradients. */ readonly training: boolean;
    },
  ) {
    this.#fields = fields;
    this.batch = options.batch;
    this.training = options.training;
  }

  of(layout: TableLayout): LayoutInputs {
    let made = this.#made.get(layout.name);
    if (!made) {
      const slots = slotsOf(layout, this.#fields);
      const shape = [this.batch, slots];
      made = {
        ids: input(`${layout.name}.ids`, shape, "u32"),
        weights: isPooled(layout, this.#fields) ? input(`${layout.name}.weights`, shape) : undefined,
        plan: this.training
          ? planInputs(layout.name, this.batch * slots, touchedAtMost(layout, this.#fields, this.batch))
          : undefined,
      };
      this.#made.set(layout.name, made);
    }
    return made;
  }
}
