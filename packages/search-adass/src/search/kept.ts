/**
 * What is kept of the sample's rows on the frozen supernet, for every size of every field: their vectors as the model sees them, and where
 * a tower reads these side by side, their products with its first layer. A path then costs sums of what is kept.
 */
import {
  type FieldSpec,
  type LookupInputs,
  layoutOf,
  oneTable,
  slotsOf,
  type TableLayout,
  touchedAtMost,
  type Vectors,
  WHOLE,
} from "@trimtab/embeddings";
import type { Model } from "@trimtab/models";
import {
  concat,
  type Device,
  gather,
  input,
  matmul,
  mul,
  permute,
  reshape,
  sliceAxis,
  sum,
  type Tensor,
  type Variable,
} from "@trimtab/tensor-core";
import type { Stage } from "../supernet/stage.ts";

/** What is kept of one row and size: numbers of its vector, and of its products (0: none are kept). */
export interface KeptWidths {
  readonly vectors: number;
  readonly products: number;
}

/** The base scheme is uniform: one table holds every field, unless the device takes no buffer of its size (undefined). */
export function layoutOfStage({ tables }: Model): TableLayout | undefined {
  return tables.parts.length === 1 ? tables.parts[0]!.group.layout : undefined;
}

/** The matrix of a first layer that reads all vectors side by side, [F d, n]; undefined for a model that has none. */
export function firstLayerOf(model: Model): Tensor | undefined {
  let found: Tensor | undefined;
  // built for what it asks of the vectors alone
  model.forward({
    batch: 1,
    training: false,
    vectors: (inputs) => {
      const own = model.tables.lookup(inputs);
      const times = (weight: Tensor) => {
        found = weight;
        return matmul(own.concat, weight);
      };
      return { raw: own.raw, concat: own.concat, projected: own.projected, lookedUp: own.lookedUp, times };
    },
  });
  return found;
}

/** Rows of what is kept of a sample of so many rows, at most: those of all sizes above 0, and one of zeros. */
export function keptRows(
  fields: readonly FieldSpec[],
  candidates: readonly number[],
  sampleRows: number,
): number {
  const sizes = candidates.filter((d) => d > 0).length;
  return sizes * touchedAtMost(layoutOf(WHOLE, fields), fields, sampleRows) + 1;
}

export class Kept {
  readonly layout: TableLayout;
  /** [rows, d] */
  readonly vectors: Variable;
  /** [rows, n] */
  readonly products: Variable | undefined;
  readonly #model: Model;

  /** `layout`: that of the stage. `rows`: at most so many; what is not written is zero. */
  constructor(
    device: Device,
    { model }: Stage,
    layout: TableLayout,
    { rows, widths }: { readonly rows: number; readonly widths: KeptWidths },
  ) {
    this.#model = model;
    this.layout = layout;
    this.vectors = device.variable("adass.kept.vectors", [rows, widths.vectors]);
    try {
      const { products } = widths;
      this.products = products > 0 ? device.variable("adass.kept.products", [rows, products]) : undefined;
    } catch (reason) {
      this.vectors.dispose();
      throw reason;
    }
  }

  /** The vectors of a batch of the sample; reads `adass.places`, u32 [B, S]: rows of what is kept. */
  lookup(inputs: LookupInputs): Vectors {
    const { scheme, tables } = this.#model;
    const { fields } = scheme;
    const { batch } = inputs;
    const slots = slotsOf(this.layout, fields);
    const { weights } = inputs.of(this.layout);
    const places = input("adass.places", [batch, slots], "u32");
    const origin = { layout: this.layout, ids: places, weights, fields, order: tables.order };
    const vectors = oneTable({ vectors: gather(this.vectors.value, places) }, origin);
    const { products } = this;
    const times =
      products &&
      (() => {
        const found = gather(products.value, places);
        return sum(weights ? mul(found, reshape(weights, [batch, slots, 1])) : found, [1]);
      });
    return { ...vectors, times };
  }

  /** Of rows' vectors [B, S, d], each field's row in its first slot: what is kept of them, [B, F, d] and [B, F, n]. */
  made(vectors: Tensor): { readonly vectors: Tensor; readonly products?: Tensor } {
    const { fields } = this.#model.scheme;
    let slot = 0;
    const first = this.layout.fields.map(({ field }) => {
      const own = sliceAxis(vectors, 1, slot, slot + 1);
      slot += fields[field]!.slots;
      return own;
    });
    const own = slot === first.length ? vectors : concat(first, 1);
    if (!this.products) return { vectors: own };
    const [n, dim] = [this.products.shape[1]!, this.vectors.shape[1]!];
    const weight = reshape(firstLayerOf(this.#model)!, [first.length, dim, n]);
    return { vectors: own, products: permute(matmul(permute(own, [1, 0, 2]), weight), [1, 0, 2]) };
  }

  dispose(): void {
    this.vectors.dispose();
    this.products?.dispose();
  }
}
