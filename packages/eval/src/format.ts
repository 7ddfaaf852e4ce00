// Numbers as people read them. Exact numbers belong in result rows; these are for tables.

const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const COUNT_UNITS = ["", "k", "M", "G", "T"];

/** Bytes in powers of 1024, three digits: "512 B", "3.42 MiB". The units are those that budgets are written in. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return String(bytes);
  const [value, unit] = scale(bytes, 1024, BYTE_UNITS.length);
  return `${unit === 0 ? Math.round(value) : threeDigits(value)} ${BYTE_UNITS[unit]}`;
}

/** A count: exact with thousands separated below 10,000, then three digits: "9,876", "12.3k", "1.05M". */
export function formatCount(count: number): string {
  if (!Number.isFinite(count)) return String(count);
  if (Math.abs(count) < 10_000)
    return Math.round(count)
      .toString()
      .replace(/\B(?=(\d{3})+$)/g, ",");
  const [value, unit] = scale(count, 1000, COUNT_UNITS.length);
  return `${threeDigits(value)}${COUNT_UNITS[unit]}`;
}

/** A duration: "0.84 ms", "4.20 s", "2m 05s", "1h 02m". */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return String(seconds);
  if (seconds < 0) return `-${formatSeconds(-seconds)}`;
  if (seconds === 0) return "0 s";
  if (seconds < 0.9995) return `${threeDigits(seconds * 1000)} ms`;
  if (seconds < 59.95) return `${threeDigits(seconds)} s`;
  const whole = Math.round(seconds);
  const pad = (n: number) => String(n).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${pad(whole % 60)}s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)}h ${pad(minutes % 60)}m`;
}

/** A ratio as "12.5x". */
export function formatRatio(ratio: number): string {
  return Number.isFinite(ratio) ? `${threeDigits(ratio)}x` : "-";
}

/** A share as "10.0%". */
export function formatShare(share: number): string {
  return Number.isFinite(share) ? `${threeDigits(share * 100)}%` : "-";
}

/** Three significant digits, never fewer than the whole part has, and no exponent in the everyday range. */
function threeDigits(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 0.001) return value.toExponential(2);
  const decimals = size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3;
  return value.toFixed(decimals);
}

/** Divides by `step` until fewer than four digits would be printed. */
function scale(value: number, step: number, units: number): [value: number, unit: number] {
  let unit = 0;
  while (Math.abs(value) >= (unit === 0 ? step : 999.5) && unit < units - 1) {
    value /= step;
    unit++;
  }
  return [value, unit];
}
