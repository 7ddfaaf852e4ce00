/** Shared by baselines that give every field a dim of its own. */
import { perField, type Scheme } from "@trimtab/embeddings";
import { baseDim, type Task } from "../task.ts";

/** Per-field dims with a linear map to the base dim where they are smaller. */
export function schemeOfDims(task: Task, dims: readonly number[]): Scheme {
  return perField(task.fields, [...dims], { base: baseDim(task.model), projection: "linear" });
}

/** The same dim in every field. */
export function everyField(task: Task, dim: number): Scheme {
  return schemeOfDims(
    task,
    task.fields.map(() => dim),
  );
}
