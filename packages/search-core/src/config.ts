import type { z } from "zod";
import { ConfigError } from "./errors.ts";

/** Checks `value` against a strict schema; the error names every wrong key. `what` says whose configuration it is. */
export function parseConfig<S extends z.ZodType>(schema: S, value: unknown, what: string): z.output<S> {
  const parsed = schema.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => {
    const path = issue.path.join(".");
    return path === "" ? issue.message : `${path}: ${issue.message}`;
  });
  throw new ConfigError(`${what}: ${problems.join("; ")}.`);
}
