/**
 * Budgets: what a scheme may cost. Written "10%", "64MiB", "500k parameters"; bytes and shares mean serve bytes, and a
 * share is of the uniform scheme's. "10% parameters" is a share of its numbers, whatever finds them; "10% slots" and "60 slots"
 * count (field, dim) pairs, whatever they cost: both as papers do.
 */
import type { Scheme } from "@trimtab/embeddings";
import { BudgetError } from "./errors.ts";

export interface Budget {
  readonly unit: "share" | "bytes" | "parameters" | "parameter share" | "slots" | "slot share";
  /** A fraction in (0, 1], bytes, a number of parameters or of slots. */
  readonly value: number;
  /** As it was written. */
  readonly text: string;
}

/** A budget in numbers, once the uniform scheme is known. */
export interface Limit {
  readonly unit: "bytes" | "parameters" | "slots";
  readonly value: number;
  readonly text: string;
}

const BYTES: Record<string, number> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
};
const COUNTS: Record<string, number> = { "": 1, k: 1e3, m: 1e6, g: 1e9, b: 1e9 };
const FORM = /^\s*([0-9]+(?:\.[0-9]+)?)\s*(%|[a-z]*)\s*(parameters|params|slots)?\s*$/i;

/** Reads a budget; throws BudgetError with the accepted forms. */
export function parseBudget(text: string): Budget {
  const match = FORM.exec(text);
  const value = Number(match?.[1]);
  const suffix = match?.[2]?.toLowerCase() ?? "";
  const noun = match?.[3]?.toLowerCase();
  const counted = noun !== undefined;
  const fail = (why: string) =>
    new BudgetError(`budget "${text}": ${why}; write "10%", "64MiB" or "500k parameters".`);
  if (!match) throw fail("not a budget");
  if (!(value > 0)) throw fail("must be above zero");
  if (suffix === "%") {
    if (value > 100) throw fail("a share is at most 100%");
    const unit = noun === undefined ? "share" : noun === "slots" ? "slot share" : "parameter share";
    return { unit, value: value / 100, text: text.trim() };
  }
  if (suffix === "slots") return { unit: "slots", value, text: text.trim() };
  if (suffix === "parameters" || suffix === "params") return { unit: "parameters", value, text: text.trim() };
  if (counted) {
    const factor = COUNTS[suffix];
    if (factor === undefined) throw fail(`"${suffix}" is not a number of parameters`);
    return { unit: noun === "slots" ? "slots" : "parameters", value: value * factor, text: text.trim() };
  }
  const factor = BYTES[suffix];
  if (factor === undefined) throw fail(suffix === "" ? "the unit is missing" : `"${suffix}" is not a unit`);
  return { unit: "bytes", value: value * factor, text: text.trim() };
}

/** The budget in bytes or parameters; shares are of `uniform`. */
export function limitOf(budget: Budget, uniform: Scheme): Limit {
  if (budget.unit === "share") {
    return { unit: "bytes", value: shareOf(uniform.serveBytes(), budget), text: budget.text };
  }
  if (budget.unit === "parameter share") {
    return { unit: "parameters", value: shareOf(uniform.parameters, budget), text: budget.text };
  }
  if (budget.unit === "slot share") {
    return { unit: "slots", value: shareOf(slotsOf(uniform), budget), text: budget.text };
  }
  return { unit: budget.unit, value: Math.floor(budget.value), text: budget.text };
}

/** Rounded down; 29% of 100 is 29, though 100 x 0.29 is a little less in binary fractions. */
function shareOf(all: number, { value }: Budget): number {
  return Math.floor(all * value * (1 + 1e-12));
}

function slotsOf(scheme: Scheme): number {
  return scheme.dims.reduce((n, d) => n + d, 0);
}

/** What a scheme costs in the limit's unit. */
export function costOf(scheme: Scheme, limit: Limit): number {
  if (limit.unit === "slots") return slotsOf(scheme);
  return limit.unit === "bytes" ? scheme.serveBytes() : scheme.parameters;
}

export function meets(scheme: Scheme, limit: Limit): boolean {
  return costOf(scheme, limit) <= limit.value;
}
