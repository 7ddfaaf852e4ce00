/** What a comparison was asked for and what went wrong, as far as its folder tells: without that nobody could say what is missing. */
import { existsSync, readFileSync } from "node:fs";

export interface Asked {
  readonly methods: readonly string[] | undefined;
  readonly budgets: readonly string[] | undefined;
  readonly seeds: readonly number[] | undefined;
}

export interface MissingEvent {
  readonly method: string;
  readonly budget: string;
  readonly seed: number;
  readonly reason: string;
}

/** A method that went wrong under a seed ("base": the base model); budgets that it had finished keep their rows. */
export interface FailedEvent {
  readonly method: string;
  readonly seed: number;
  readonly message: string;
}

export interface History {
  /** Every command line that worked in the folder, in order, each once. */
  readonly commands: readonly string[];
  readonly asked: Asked;
  readonly missing: readonly MissingEvent[];
  /** What went wrong and was not mended: no row of the method and seed was made after it. */
  readonly failed: readonly FailedEvent[];
}

interface Line {
  readonly kind?: unknown;
  readonly command?: unknown;
  readonly [key: string]: unknown;
}

/**
 * Reads events.jsonl. The last command is what is asked for: an event "asked" says it in full, and in folders that older
 * versions wrote its options do.
 */
export function readHistory(path: string): History {
  const commands: string[] = [];
  let asked: Asked = { methods: undefined, budgets: undefined, seeds: undefined };
  const missing = new Map<string, MissingEvent>();
  const failed = new Map<string, FailedEvent>();
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  for (const raw of text.split("\n")) {
    // most lines tell steps, and are not read
    if (!/"kind":"(started|resumed|asked|missing|failed|row)"/.test(raw)) continue;
    const line = parsed(raw);
    if ((line.kind === "started" || line.kind === "resumed") && typeof line.command === "string") {
      commands.push(line.command);
      asked = optionsOf(line.command);
    } else if (line.kind === "asked") {
      const { methods, budgets, seeds } = line;
      asked = { methods: texts(methods), budgets: texts(budgets), seeds: numbers(seeds) };
    } else if (line.kind === "missing") {
      const { method, budget, seed, reason } = line;
      if (typeof method !== "string" || typeof budget !== "string" || typeof seed !== "number") continue;
      missing.set(JSON.stringify([method, budget, seed]), { method, budget, seed, reason: String(reason) });
    } else if (line.kind === "failed") {
      const { method, seed, message } = line;
      if (typeof method !== "string" || typeof seed !== "number") continue;
      failed.set(JSON.stringify([method, seed]), { method, seed, message: String(message).trim() });
    } else if (line.kind === "row" && line.known !== true) {
      // a row that was there before is told again by every command
      failed.delete(JSON.stringify([line.method, line.seed]));
    }
  }
  return {
    ...{ commands: [...new Set(commands)], asked },
    ...{ missing: [...missing.values()], failed: [...failed.values()] },
  };
}

/** A line that a killed run left torn says nothing. */
function parsed(raw: string): Line {
  try {
    const value: unknown = JSON.parse(raw);
    return typeof value === "object" && value !== null ? (value as Line) : {};
  } catch {
    return {};
  }
}

/** The lists that `trimtab compare` was typed with. */
export function optionsOf(command: string): Asked {
  const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map((m) => m[1] ?? m[2]!);
  const value = (name: string): string[] | undefined => {
    const at = words.findIndex((word) => word === name || word.startsWith(`${name}=`));
    if (at < 0) return undefined;
    const text = words[at] === name ? words[at + 1] : words[at]!.slice(name.length + 1);
    return text?.split(",").map((part) => part.trim());
  };
  return {
    methods: value("--methods"),
    budgets: value("--budgets"),
    seeds: value("--seeds")?.map(Number).filter(Number.isSafeInteger),
  };
}

const texts = (value: unknown) =>
  Array.isArray(value) ? value.filter((v): v is string => typeof v === "string") : undefined;
const numbers = (value: unknown) =>
  Array.isArray(value) ? value.filter((v): v is number => typeof v === "number") : undefined;
