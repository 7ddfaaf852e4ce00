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

/** Ticks of a log axis: powers of `base`, as many as fit; the ends of the data where no power is between them. */
export function logTicks([from, to]: readonly [number, number], base: number, most: number): number[] {
  const first = Math.ceil(Math.log(from) / Math.log(base) - 1e-9);
  const last = Math.floor(Math.log(to) / Math.log(base) + 1e-9);
  const step = Math.max(1, Math.ceil((last - first + 1) / Math.max(1, most)));
  const ticks: number[] = [];
  for (let power = first; power <= last; power += step) ticks.push(base ** power);
  return ticks.length >= 2 || from === to ? ticks : [from, to];
}

/** A name that fits beside an axis. */
export function fitted(name: string, most = 24): string {
  return name.length > most ? `${name.slice(0, most - 1)}…` : name;
}
