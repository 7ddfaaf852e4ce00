/** Readers of option values. A value that cannot be read is refused with what was expected. */
import { type Command, InvalidArgumentError, Option } from "commander";

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

/** What every verb that computes takes: which engine, with how many threads, on which adapter. */
export function addDeviceOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--engine <name>",
        "what computes: a GPU (or a software driver that plays one) through webgpu, or the cpu; for example " +
          "--engine cpu --threads 2 (default: a GPU that works, else cpu)",
      ).choices(["webgpu", "cpu"]),
    )
    .option(
      "--threads <n>",
      "threads of the cpu engine; results do not depend on it (default: one a core)",
      whole(1),
    )
    .option("--adapter <name>", "part of the name of the webgpu adapter to use, as doctor lists them");
}
