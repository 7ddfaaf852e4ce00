import type { z } from "zod";
import { ConfigError } from "./errors.ts";

/** Checks `value` against a strict schema; the error names every wrong key. `what` says whose configuration it is. */
export function parseConfig<S extends z.ZodType>(schema: S, value: unknown, what: string): z.output<S> {
  const parsed = schema.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => {
    const path = issue.path.join(".");
    if (issue.code === "unrecognized_keys") {
      const names = issue.keys.map((key) => `"${key}"`).join(", ");
      const known = knownKeys(schema, issue.path);
      return `unknown key ${names}${path === "" ? "" : ` in ${path}`}${known.length > 0 ? ` (known: ${known.join(", ")})` : ""}`;
    }
    return path === "" ? issue.message : `${path}: ${issue.message}`;
  });
  throw new ConfigError(`${what}: ${problems.join("; ")}.`);
}

/** Keys of the object at `path` inside a schema; none where that is no plain object. */
function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at: unknown = schema;
  for (const key of path) at = shapeOf(at)?.[key as string];
  return Object.keys(shapeOf(at) ?? {});
}

/** The shape of an object schema, looked for inside defaults and options too. */
function shapeOf(schema: unknown): Readonly<Record<string, unknown>> | undefined {
  const { shape, def } = (schema ?? {}) as {
    shape?: Record<string, unknown>;
    def?: { innerType?: unknown };
  };
  return shape ?? (def?.innerType === undefined ? undefined : shapeOf(def.innerType));
}
