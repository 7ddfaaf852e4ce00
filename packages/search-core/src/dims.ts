/** Shared by methods that give every field a dim of its own. */
import { type Projection, perField, type Scheme } from "@trimtab/embeddings";
import { hasEnough } from "@trimtab/models";
import { z } from "zod";
import { costOf, type Limit } from "./budget.ts";
import { baseDim, type Task } from "./task.ts";

/** How smaller fields meet the base dim: their numbers are its first columns and the rest is zero, or by a linear map. */
export const projectionSchema = z.enum(["positions", "linear"]).default("positions");

export type DimsProjection = z.output<typeof projectionSchema>;

export function schemeOfDims(task: Task, dims: readonly number[], projection: Projection): Scheme {
  return perField(task.fields, [...dims], { base: baseDim(task.model), projection });
}

/** The same dim in every field. */
export function everyField(task: Task, dim: number, projection: Projection): Scheme {
  return schemeOfDims(
    task,
    task.fields.map(() => dim),
    projection,
  );
}

/** True if the task's model can be built over fields of these dims. */
export function isReadable({ model, fields }: Task, dims: readonly number[]): boolean {
  return hasEnough(model, fields, dims);
}

/** The cheapest dims over which the task's model can be built, in the unit of `limit`: none at all, one dim of one field, or of two. */
export function leastDims(task: Task, limit: Limit, projection: Projection): number[] {
  const only = (...kept: number[]) => task.fields.map((_, f) => (kept.includes(f) ? 1 : 0));
  const cost = (dims: readonly number[]) => costOf(schemeOfDims(task, dims, projection), limit);
  const byCost = [...task.fields.keys()].sort((f, g) => cost(only(f)) - cost(only(g)));
  const choices = [
    only(),
    ...byCost.map((f) => only(f)),
    ...byCost.slice(1).map((f) => only(byCost[0]!, f)),
  ].filter((dims) => isReadable(task, dims));
  // a model over all fields can be built, or there would be no base model
  return choices.reduce((a, b) => (cost(b) < cost(a) ? b : a), choices[0] ?? task.fields.map(() => 1));
}

/** Why nothing that a model could read is within the limit; undefined if something is. */
export function readsNothing(task: Task, limit: Limit, projection: Projection): string | undefined {
  const cost = costOf(schemeOfDims(task, leastDims(task, limit, projection), projection), limit);
  if (cost <= limit.value) return undefined;
  return `the least that leaves the model something to read already costs ${cost} ${limit.unit}, the budget is ${limit.value}`;
}
