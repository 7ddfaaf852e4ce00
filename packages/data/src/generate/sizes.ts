// Logs of any number of features.

import { GenerateError } from "../errors.ts";
import { LATENT, type PlantedField } from "./truth.ts";
import { DRIFTING_VALUES } from "./zipf.ts";

/**
 * Fields of so many values in all: those of {@link DRIFTING_VALUES} values or more (or else the largest) grow or shrink alike, the
 * small ones stay. @throws GenerateError where the small ones alone have as many
 */
export function fieldsOfSize(fields: readonly PlantedField[], features: number): PlantedField[] {
  const most = Math.max(...fields.map(({ values }) => values));
  const large = (values: number): boolean => values >= Math.min(DRIFTING_VALUES, most);
  const sum = (of: readonly PlantedField[]): number => of.reduce((n, { values }) => n + values, 0);
  const growing = fields.filter(({ values }) => large(values));
  const room = features - sum(fields.filter(({ values }) => !large(values)));
  if (!Number.isInteger(features) || room < growing.length * (LATENT + 1)) {
    throw new GenerateError(
      `features is ${features}`,
      `Give a whole number from ${features - room + growing.length * (LATENT + 1)} up`,
    );
  }
  const before = sum(growing);
  // by the difference of rounded running sums, so that they add up to the number asked for
  let [seen, given] = [0, 0];
  return fields.map((field) => {
    if (!large(field.values)) return { ...field };
    seen += field.values;
    const upTo = Math.round((room * seen) / before);
    const values = upTo - given;
    given = upTo;
    return { ...field, values };
  });
}
