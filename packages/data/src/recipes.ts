// Ready schemas for public sets, recognised by their files. The same kind of schema a user would write.

import type { LogSchemaInput } from "./schema.ts";

/** A public set we know how to prepare. */
export interface Recipe {
  name: string;
  /** A folder with all of these is this set. */
  files: string[];
  schema: LogSchemaInput;
}

const frappeFields = [
  "user",
  "item",
  "daytime",
  "weekday",
  "isweekend",
  "homework",
  "cost",
  "weather",
  "country",
  "city",
];

// Given splits, as the benchmark publishes them; minimum count 1 as there.
const frappe: Recipe = {
  name: "frappe-x1",
  files: ["train.csv.gz", "valid.csv.gz", "test.csv.gz", "feature_map.json"],
  schema: {
    name: "frappe-x1",
    files: { train: "train.csv.gz", valid: "valid.csv.gz", test: "test.csv.gz" },
    label: "label",
    user: "user",
    fields: frappeFields.map((name) => ({ name })),
  },
};

// Random, not by time: 671 users rated in short bursts over twenty years, so by time nearly every test user is new
// and no table of users could be worth its bytes. `split: {by: "time"}` overrides it; the time column is named.
const movielensSmall: Recipe = {
  name: "ml-latest-small",
  files: ["ratings.csv", "movies.csv"],
  schema: {
    name: "ml-latest-small",
    files: "ratings.csv",
    join: [{ file: "movies.csv", on: "movieId" }],
    label: "rating >= 4",
    user: "userId",
    time: "timestamp",
    fields: [
      { name: "user", column: "userId" },
      { name: "movie", column: "movieId" },
      { name: "year", column: "title", extract: "\\((\\d{4})\\)\\s*$" },
      { name: "genres", kind: "multi", separator: "|" },
      { name: "hour", column: "timestamp", derive: "hour" },
      { name: "weekday", column: "timestamp", derive: "weekday" },
    ],
    split: { by: "random", shares: [0.8, 0.1, 0.1] },
  },
};

// The published comparison: ids, random 80/10/10, seven fields. The zip code nearly names the user, so it is left out.
const movielens1m: Recipe = {
  name: "movielens-1m",
  files: ["ml1m_ctr.csv.gz"],
  schema: {
    name: "movielens-1m",
    files: "ml1m_ctr.csv.gz",
    label: "label",
    user: "user_id",
    fields: [
      { name: "user", column: "user_id" },
      { name: "gender" },
      { name: "age" },
      { name: "occupation" },
      { name: "movie", column: "movie_id" },
      { name: "year", column: "release_year" },
      { name: "genres", kind: "multi", separator: "|" },
    ],
    ignore: ["zip_code"],
    split: { by: "random", shares: [0.8, 0.1, 0.1] },
  },
};

// In the order of time, as the rows are; values seen once share row 0, as in the reference numbers.
const criteo: Recipe = {
  name: "criteo-80k",
  files: ["criteo_80k.csv.gz"],
  schema: {
    name: "criteo-80k",
    files: "criteo_80k.csv.gz",
    label: "label",
    fields: [
      ...Array.from({ length: 13 }, (_, i) => ({
        name: `I${i + 1}`,
        kind: "numeric" as const,
        buckets: { by: "log2" as const },
      })),
      ...Array.from({ length: 26 }, (_, i) => ({ name: `C${i + 1}` })),
    ],
    minCount: 2,
    missing: { values: [""], rule: "own" },
    split: { by: "rows", counts: [64000, 8000, 8000] },
  },
};

/** The sets with a ready schema. */
export const recipes: readonly Recipe[] = [frappe, movielensSmall, movielens1m, criteo];
