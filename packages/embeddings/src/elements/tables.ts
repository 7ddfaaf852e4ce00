/** The tables of an element mask: the numbers that exist, and the index of the scheme's layout to find them by. */
import { type Device, gather, reshape, type Tensor, type Variable, where } from "@trimtab/tensor-core";
import type { ElementScheme } from "./elements.ts";
import type { Found } from "./find.ts";
import { IndexedTables } from "./indexed-tables.ts";

export class ElementTables extends IndexedTables<ElementScheme> {
  /** Use buildTables or makeTables; a bare constructor makes tables of zeros. */
  constructor(device: Device, scheme: ElementScheme, name = "embeddings") {
    super(device, scheme, { grid: scheme, width: 1 }, name);
  }

  protected read(values: Variable, _: Tensor, { exists, place }: Found): Tensor {
    return where(exists, reshape(gather(values.value, place), place.shape), 0);
  }
}
