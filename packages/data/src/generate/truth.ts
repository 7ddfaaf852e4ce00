// The planted truth: a click log whose every field has a known importance and a known intrinsic dim.
//
// Feature i of field f has a vector v = importance_f * A_f g, where g ~ N(0, I) has dim_f numbers and A_f is a random
// orthonormal basis of a dim_f-dimensional subspace of a shared space of LATENT numbers. The logit is
//
//   bias + pairs * sum over field pairs of <v_f, v_g>  +  firstOrder * sum over fields of importance_f * c_f,i  +  noise
//
// so a factorization machine can represent it exactly, a table of dim_f numbers and a projection is enough for field f,
// and one number fewer is not. A field of dim 0 has no vectors and no first-order term: it is pure noise.

import { GenerateError } from "../errors.ts";
import { Random } from "../random.ts";
import { DRIFTING_VALUES, DriftingZipf, Zipf } from "./zipf.ts";

/** Numbers of the shared latent space: the largest intrinsic dim. */
export const LATENT = 8;

/** A field of a generated log, as planted. */
export interface PlantedField {
  name: string;
  /** Distinct values. */
  values: number;
  /** Exponent of the Zipf law of its values: 0 is uniform, 1 is the classical long tail. */
  zipf: number;
  /** Scale of its vectors and first-order terms; 0 with dim 0. */
  importance: number;
  /** Numbers its vectors really need, 0 to 8, and below `values`. */
  dim: number;
}

/** The default log: tiny and long-tailed fields; what is large need not be what matters. */
export const defaultFields: readonly PlantedField[] = [
  { name: "user", values: 3000, zipf: 0.8, importance: 1, dim: 1 },
  { name: "item", values: 1200, zipf: 1, importance: 1, dim: 4 },
  { name: "category", values: 60, zipf: 0.7, importance: 1, dim: 8 },
  { name: "brand", values: 300, zipf: 0.9, importance: 0.9, dim: 4 },
  { name: "city", values: 100, zipf: 0.8, importance: 0.9, dim: 8 },
  { name: "device", values: 12, zipf: 0.6, importance: 0.8, dim: 2 },
  { name: "hour", values: 24, zipf: 0.3, importance: 0.7, dim: 2 },
  { name: "weekday", values: 7, zipf: 0, importance: 0.6, dim: 1 },
  { name: "session", values: 5000, zipf: 0.6, importance: 0, dim: 0 },
  { name: "browser", values: 30, zipf: 0.8, importance: 0, dim: 0 },
];

/** @throws GenerateError naming the field */
export function checkFields(fields: readonly PlantedField[]): void {
  if (fields.length < 2) throw new GenerateError(`${fields.length} fields were given`, "Give at least two");
  const names = new Set<string>();
  for (const { name, values, zipf, importance, dim } of fields) {
    const refuse = (fault: string, mend: string): never => {
      throw new GenerateError(`field "${name}": ${fault}`, mend);
    };
    if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name) || name === "click") {
      refuse("a generated field's name has letters, digits and _ only, and is not click", "Rename it");
    }
    if (names.has(name)) refuse("two fields have this name", "Rename one");
    names.add(name);
    if (!Number.isInteger(values) || values < 1)
      refuse(`values is ${values}`, "Give a whole number from 1 up");
    if (!(zipf >= 0 && zipf <= 4)) refuse(`zipf is ${zipf}`, "Give an exponent from 0 to 4");
    if (!Number.isInteger(dim) || dim < 0 || dim > LATENT) refuse(`dim is ${dim}`, `Give 0 to ${LATENT}`);
    if (dim >= values && dim > 0)
      refuse(`dim ${dim} needs more than ${values} values`, "Give it more values");
    if (!(importance >= 0) || importance > 0 !== dim > 0) {
      refuse(`importance is ${importance} with dim ${dim}`, "Both are above 0, or both are 0");
    }
  }
  if (!fields.some(({ dim }) => dim > 0))
    throw new GenerateError("every field is noise", "Give one a dim above 0");
}

/** How strong the planted parts are, as standard deviations of the logit. */
export interface Strength {
  /** Of the sum of field-pair interactions. */
  pairs: number;
  /** Of the sum of first-order terms. */
  firstOrder: number;
  /** Of Gaussian noise on the logit, on top of the coin toss of the label. */
  noise: number;
  /** Mean label. */
  baseRate: number;
}

export const defaultStrength: Strength = { pairs: 2, firstOrder: 0.6, noise: 0.2, baseRate: 0.25 };

const SAMPLE = 20_000;

/** A rank needs a value for each time it is handed on, and the smallest drifting field has 1000. */
const MOST_DRIFT = 100;

/** Draws rows of the planted log. All state is a function of the seed. */
export class PlantedLog {
  readonly #vectors: Float32Array[];
  readonly #first: Float32Array[];
  readonly #popularity: (Zipf | DriftingZipf)[];
  readonly #rows: Random;
  readonly #sum = new Float64Array(LATENT);
  #pairScale = 1;
  #firstScale = 1;
  #bias = 0;
  /** Value of each field in the row drawn last. */
  readonly values: Uint32Array;
  /** Logit of the row drawn last, before noise: the best score there can be. */
  logit = 0;
  /** Per field, the share of the logit's variance that its terms take part in. */
  readonly varianceShare: number[];

  constructor(
    readonly fields: readonly PlantedField[],
    readonly strength: Strength,
    seed: number,
    /** How many times over the log each popularity rank of a large field is handed on to a new value; 0: never. */
    drift = 0,
  ) {
    checkFields(fields);
    if (!(drift >= 0 && drift <= MOST_DRIFT)) {
      throw new GenerateError(`drift is ${drift}`, `Give a number from 0 to ${MOST_DRIFT}`);
    }
    this.values = new Uint32Array(fields.length);
    this.#popularity = fields.map(({ values, zipf }, f) =>
      drift > 0 && values >= DRIFTING_VALUES
        ? new DriftingZipf(values, zipf, drift, new Random(seed, 4, f))
        : new Zipf(values, zipf),
    );
    // Each field draws from a stream of its own, so adding a field leaves the others as they were.
    const streams = fields.map((_, f) => new Random(seed, 1, f));
    const bases = fields.map(({ dim }, f) => orthonormal(dim, streams[f] as Random));
    this.#vectors = fields.map((field, f) =>
      vectors(field, bases[f] as Float64Array[], streams[f] as Random),
    );
    this.#first = fields.map(({ values, importance }, f) => {
      const random = streams[f] as Random;
      return Float32Array.from({ length: importance > 0 ? values : 0 }, () => random.normal() * importance);
    });
    this.#rows = new Random(seed, 2);
    this.varianceShare = this.#calibrate(new Random(seed, 3));
  }

  #draw(random: Random, time: number): { pairs: number; first: number } {
    const { fields } = this;
    const sum = this.#sum.fill(0);
    let squares = 0;
    let first = 0;
    for (let f = 0; f < fields.length; f++) {
      const value = (this.#popularity[f] as DriftingZipf).draw(random, time);
      this.values[f] = value;
      if ((fields[f] as PlantedField).dim === 0) continue;
      first += (this.#first[f] as Float32Array)[value] as number;
      const table = this.#vectors[f] as Float32Array;
      for (let j = 0, at = value * LATENT; j < LATENT; j++, at++) {
        const x = table[at] as number;
        sum[j] = (sum[j] as number) + x;
        squares += x * x;
      }
    }
    // The sum over all pairs, in time linear in the fields: half of |sum|^2 - sum of |v|^2 (Rendle 2010, lemma 3.1).
    let pairs = -squares;
    for (let j = 0; j < LATENT; j++) pairs += (sum[j] as number) ** 2;
    return { pairs: pairs / 2, first };
  }

  // Scales on a sample, which is drawn from a stream apart so that the rows do not depend on it.
  #calibrate(random: Random): number[] {
    const { strength, fields } = this;
    const pairs = new Float64Array(SAMPLE);
    const first = new Float64Array(SAMPLE);
    const noise = new Float64Array(SAMPLE);
    const seen = new Uint32Array(SAMPLE * fields.length);
    for (let i = 0; i < SAMPLE; i++) {
      const drawn = this.#draw(random, i / SAMPLE);
      pairs[i] = drawn.pairs;
      first[i] = drawn.first;
      noise[i] = random.normal() * strength.noise;
      seen.set(this.values, i * fields.length);
    }
    this.#pairScale = strength.pairs / (deviation(pairs) || 1);
    this.#firstScale = strength.firstOrder / (deviation(first) || 1);
    const logits = pairs.map(
      (p, i) => p * this.#pairScale + (first[i] as number) * this.#firstScale + (noise[i] as number),
    );
    let [low, high] = [-50, 50];
    for (let step = 0; step < 60; step++) {
      const middle = (low + high) / 2;
      let mean = 0;
      for (const logit of logits) mean += 1 / (1 + Math.exp(-(logit + middle)));
      if (mean / SAMPLE < strength.baseRate) low = middle;
      else high = middle;
    }
    this.#bias = (low + high) / 2;
    return this.#shares(seen);
  }

  // A field's share: how much of the variance goes when its values are drawn anew, everything else held (a total
  // effect index in Sobol's sense, by Jansen's estimator). Shares of interacting fields overlap, so they can sum above 1.
  #shares(seen: Uint32Array): number[] {
    const F = this.fields.length;
    const score = (row: Uint32Array): number => {
      const sum = new Float64Array(LATENT);
      let squares = 0;
      let first = 0;
      for (let f = 0; f < F; f++) {
        if ((this.fields[f] as PlantedField).dim === 0) continue;
        const value = row[f] as number;
        first += (this.#first[f] as Float32Array)[value] as number;
        for (let j = 0; j < LATENT; j++) {
          const x = (this.#vectors[f] as Float32Array)[value * LATENT + j] as number;
          sum[j] = (sum[j] as number) + x;
          squares += x * x;
        }
      }
      let pairs = -squares;
      for (const x of sum) pairs += x * x;
      return (pairs / 2) * this.#pairScale + first * this.#firstScale;
    };
    const rows = 4000;
    const base = Array.from({ length: rows }, (_, i) => score(seen.subarray(i * F, (i + 1) * F)));
    const variance = deviation(Float64Array.from(base)) ** 2;
    return this.fields.map((_, f) => {
      let sum = 0;
      for (let i = 0; i < rows; i++) {
        const row = seen.slice(i * F, (i + 1) * F);
        row[f] = seen[(i + rows) * F + f] as number;
        sum += ((base[i] as number) - score(row)) ** 2;
      }
      return sum / (2 * rows * variance);
    });
  }

  /** The planted vector of a feature: {@link LATENT} numbers, zeros for a field of dim 0. */
  vector(field: number, value: number): Float32Array {
    const table = this.#vectors[field] as Float32Array;
    return table.length === 0 ? new Float32Array(LATENT) : table.slice(value * LATENT, (value + 1) * LATENT);
  }

  /** Draws the next row, at `time` from 0 to 1 of the log, into `values` and `logit`, and returns its label. */
  next(time = 0): 0 | 1 {
    const random = this.#rows;
    const { pairs, first } = this.#draw(random, time);
    this.logit = pairs * this.#pairScale + first * this.#firstScale + this.#bias;
    const noisy = this.logit + random.normal() * this.strength.noise;
    return random.uniform() < 1 / (1 + Math.exp(-noisy)) ? 1 : 0;
  }
}

function deviation(values: Float64Array): number {
  let mean = 0;
  for (const v of values) mean += v / values.length;
  let sum = 0;
  for (const v of values) sum += (v - mean) ** 2;
  return Math.sqrt(sum / values.length);
}

// dim orthonormal directions of the latent space (Gram-Schmidt on Gaussian vectors).
function orthonormal(dim: number, random: Random): Float64Array[] {
  const basis: Float64Array[] = [];
  while (basis.length < dim) {
    const v = Float64Array.from({ length: LATENT }, () => random.normal());
    for (const b of basis) {
      const along = b.reduce((sum, x, j) => sum + x * (v[j] as number), 0);
      for (let j = 0; j < LATENT; j++) v[j] = (v[j] as number) - along * (b[j] as number);
    }
    const length = Math.hypot(...v);
    if (length > 1e-3) basis.push(v.map((x) => x / length));
  }
  return basis;
}

function vectors(field: PlantedField, basis: Float64Array[], random: Random): Float32Array {
  const table = new Float32Array(field.dim === 0 ? 0 : field.values * LATENT);
  for (let i = 0; i < table.length; i += LATENT) {
    for (const direction of basis) {
      const g = random.normal() * field.importance;
      for (let j = 0; j < LATENT; j++) table[i + j] = (table[i + j] as number) + g * (direction[j] as number);
    }
  }
  return table;
}
