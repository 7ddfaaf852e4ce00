// Numbers as people read them. Exact numbers belong in result rows; these are for tables. With `like` a number is written in the
// unit and with the digits in which that one is written, so that a spread can be read beside its mean.

const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const COUNT_UNITS = ["", "k", "M", "G", "T"];

/** Bytes in powers of 1024, three digits: "512 B", "3.42 MiB". The units are those that budgets are written in. */
export function formatBytes(bytes: number, like = bytes): string {
  if (!Number.isFinite(bytes)) return String(bytes);
  const [size, unit] = scale(like, 1024, BYTE_UNITS.length);
  return `${unit === 0 ? Math.round(bytes) : threeDigits(bytes / size, like / size)} ${BYTE_UNITS[unit]}`;
}

/** A count: exact with thousands separated below 10,000, then three digits: "9,876", "12.3k", "1.05M". */
export function formatCount(count: number, like = count): string {
  if (!Number.isFinite(count)) return String(count);
  if (Math.abs(like) < 10_000)
    return Math.round(count)
      .toString()
      .replace(/\B(?=(\d{3})+$)/g, ",");
  const [size, unit] = scale(like, 1000, COUNT_UNITS.length);
  return `${threeDigits(count / size, like / size)}${COUNT_UNITS[unit]}`;
}

/** A duration: "0.84 ms", "4.20 s", "2m 05s", "1h 02m". */
export function formatSeconds(seconds: number, like = seconds): string {
  if (!Number.isFinite(seconds)) return String(seconds);
  if (seconds < 0) return `-${formatSeconds(-seconds, Math.abs(like))}`;
  if (like === 0) return "0 s";
  if (like < 0.9995) return `${threeDigits(seconds * 1000, like * 1000)} ms`;
  if (like < 59.95) return `${threeDigits(seconds, like)} s`;
  return Math.round(like) < 3600
    ? pair(Math.round(seconds), "m", "s")
    : pair(Math.round(seconds / 60), "h", "m");
}

/** A time that is a guess: whole seconds, and never less than there will be: "9 s", "1m 07s". */
export function formatTimeLeft(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s` : formatSeconds(whole);
}

/** 125 seconds as "2m 05s"; what is less than one of the larger unit is written without it. */
function pair(small: number, larger: string, smaller: string): string {
  if (small < 60) return `${small}${smaller}`;
  return `${Math.floor(small / 60)}${larger} ${String(small % 60).padStart(2, "0")}${smaller}`;
}

/** A ratio as "12.5x". */
export function formatRatio(ratio: number, like = ratio): string {
  return Number.isFinite(ratio) ? `${threeDigits(ratio, like)}x` : "-";
}

/** A share as "10.0%". */
export function formatShare(share: number): string {
  return Number.isFinite(share) ? `${threeDigits(share * 100)}%` : "-";
}

/** Three significant digits of `like`, never fewer than its whole part has, and no exponent in the everyday range. */
function threeDigits(value: number, like = value): string {
  const size = Math.abs(like);
  if (size === 0) return "0";
  if (size < 0.001) return value.toExponential(2);
  const decimals = size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3;
  return value.toFixed(decimals);
}

/** By what to divide so that fewer than four digits are printed, and how many units up that is. */
function scale(value: number, step: number, units: number): [size: number, unit: number] {
  let [size, unit] = [1, 0];
  while (Math.abs(value / size) >= (unit === 0 ? step : 999.5) && unit < units - 1) {
    size *= step;
    unit++;
  }
  return [size, unit];
}
