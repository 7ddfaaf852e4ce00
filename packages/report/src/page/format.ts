/** Numbers on axes and in tips. The same units as in the tables, in less space. */

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

export function bytes(value: number): string {
  const power = value > 0 ? Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log2(value) / 10))) : 0;
  return `${short(value / 1024 ** power)} ${UNITS[power]}`;
}

export function count(value: number): string {
  const units: [number, string][] = [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ];
  const [size, unit] = units.find(([least]) => Math.abs(value) >= least) ?? [1, ""];
  return `${short(value / size)}${unit}`;
}

export function seconds(value: number): string {
  if (value >= 3600) return `${short(value / 3600)} h`;
  if (value >= 60) return `${short(value / 60)} min`;
  return value >= 1 || value === 0 ? `${short(value)} s` : `${short(value * 1000)} ms`;
}

/** Three digits at most, no zeros at the end. */
export function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/**
 * Ticks of a log axis: powers of `base`, as many as fit; where fewer than three are between the ends also 2 and 5 times powers of
 * ten, or the ends themselves.
 */
export function logTicks([from, to]: readonly [number, number], base: number, most: number): number[] {
  const powers = powersOf([from, to], base);
  const step = Math.max(1, Math.ceil(powers.length / Math.max(1, most)));
  const ticks = powers.filter((_, i) => i % step === 0);
  if (ticks.length >= 3 || from === to) return ticks;
  const finer = [1, 2, 5]
    .flatMap((digit) => powersOf([from / digit, to / digit], 10).map((power) => digit * power))
    .sort((a, b) => a - b);
  if (base === 10 && finer.length >= 2 && finer.length <= most) return finer;
  return ticks.length >= 2 ? ticks : [from, to];
}

function powersOf([from, to]: readonly [number, number], base: number): number[] {
  const first = Math.ceil(Math.log(from) / Math.log(base) - 1e-9);
  const last = Math.floor(Math.log(to) / Math.log(base) + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => base ** (first + i));
}

/** A name that fits beside an axis. */
export function fitted(name: string, most = 24): string {
  return name.length > most ? `${name.slice(0, most - 1)}…` : name;
}
