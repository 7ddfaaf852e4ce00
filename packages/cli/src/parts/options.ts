/** Readers of option values. A value that cannot be read is refused with what was expected. */
import { InvalidArgumentError, Option } from "commander";

/** A whole number from `least` up. */
export function whole(least = 0) {
  return (text: string): number => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`Give a whole number from ${least} up.`);
  };
}

/** A number from `least` (or above it) up. */
export function number(least: number, { above = false } = {}) {
  return (text: string): number => {
    const value = Number(text);
    const fits = above ? value > least : value >= least;
    if (text.trim() !== "" && Number.isFinite(value) && fits) return value;
    throw new InvalidArgumentError(
      `Give a number ${above ? "above" : "from"} ${least}${above ? "" : " up"}.`,
    );
  };
}

/** Texts between commas. */
export function list(text: string): string[] {
  const values = text.split(",").map((value) => value.trim());
  if (values.some((value) => value === ""))
    throw new InvalidArgumentError("Give values between commas: a,b,c.");
  return values;
}

/** Whole numbers between commas. */
export function wholes(least = 0) {
  const read = whole(least);
  return (text: string): number[] => list(text).map(read);
}

/** An option that may be given several times. */
export function repeated(text: string, before: string[] | undefined): string[] {
  return [...(before ?? []), text];
}

export function adapterOption(): Option {
  return new Option("--adapter <name>", "part of the name of the adapter to use, as doctor lists them");
}
