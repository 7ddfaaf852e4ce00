/** A way to search: it is asked for paths and told what they are worth. Its state is plain JSON, so that a search resumes. */
import type { Random } from "@trimtab/data";
import type { z } from "zod";
import type { Path } from "../path.ts";
import type { Costs } from "./cost.ts";
import type { Judged } from "./reward.ts";

export interface Strategy {
  /** The paths of a round. The random stream belongs to this round alone. */
  ask(random: Random): readonly Path[];
  /** What they are worth, in the same order. */
  tell(judged: readonly Judged[]): void;
  /** The path it would answer with by itself, within the limit, where that is not the best one seen. */
  answer?(costs: Costs): Path;
  readonly state: unknown;
  /** Goes on from a state. */
  restore(state: unknown): void;
}

export function parseState<S extends z.ZodType>(schema: S, state: unknown): z.output<S> {
  return schema.parse(state);
}
