/** Shared by baselines that give every field a dim of its own. */
import { perField, type Scheme } from "@trimtab/embeddings";
import { z } from "zod";
import { baseDim, type Task } from "../task.ts";

/** How smaller fields meet the base dim: their numbers are its first columns and the rest is zero, or by a linear map. */
export const projectionSchema = z.enum(["positions", "linear"]).default("positions");

export type DimsProjection = z.output<typeof projectionSchema>;

export function schemeOfDims(task: Task, dims: readonly number[], projection: DimsProjection): Scheme {
  return perField(task.fields, [...dims], { base: baseDim(task.model), projection });
}

/** The same dim in every field. */
export function everyField(task: Task, dim: number, projection: DimsProjection): Scheme {
  return schemeOfDims(
    task,
    task.fields.map(() => dim),
    projection,
  );
}
