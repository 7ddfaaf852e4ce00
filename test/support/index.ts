/** @trimtab/test-support: what the tests of several packages share. No package imports it outside its tests. */
export { type Feeds, feedsOf, needed, randomValues, type Values } from "./batches.ts";
export { asyncLaw, law, seed } from "./laws.ts";
export { Random } from "./random.ts";
export { resultRow } from "./rows.ts";
