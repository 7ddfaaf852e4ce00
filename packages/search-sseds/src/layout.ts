/** How kept slots are laid out in tables. */
import { type Projection, perField, type Scheme } from "@trimtab/embeddings";
import { baseDim, type Task } from "@trimtab/search-core";
import type { Kept } from "./allocate.ts";

export interface Layout {
  readonly projection: Projection;
}

export function schemeOf(task: Task, kept: Kept, { projection }: Layout): Scheme {
  return perField(
    task.fields,
    kept.map((dims) => dims.length),
    { base: baseDim(task.model), projection, columns: kept.map((dims) => [...dims]) },
  );
}
