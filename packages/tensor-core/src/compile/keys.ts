/** Equal ops, views and instructions have equal keys. By hand: JSON took a tenth of all compiling. */

/** Minus zero, infinities and NaN are numbers of their own. */
function numberKey(value: number): string {
  return value === 0 && 1 / value < 0 ? "-0" : `${value}`;
}

/** Numbers, texts and lists of numbers by their content, other objects by what `identify` says. */
export function keyOfFields(fields: object, identify: (value: object) => string = nested): string {
  let key = "";
  for (const name in fields) {
    const value = (fields as Record<string, unknown>)[name];
    if (value === undefined) continue;
    key += `${name}:${valueKey(value, identify)};`;
  }
  return key;
}

function valueKey(value: unknown, identify: (value: object) => string): string {
  if (typeof value === "number") return numberKey(value);
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map((item) => valueKey(item, identify)).join()}]`;
  return identify(value);
}

const nested = (value: object): string => `{${keyOfFields(value)}}`;
