/** Seeds of property tests: fixed in CI, fresh elsewhere, always printed. */
import fc from "fast-check";

const given = process.env.FC_SEED ?? (process.env.CI ? "20260705" : String(Date.now() % 2 ** 31));
const seed = Number(given);
console.log(`fast-check seed ${seed} (set FC_SEED to repeat)`);

/** Asserts a law that waits for a device, with the run's seed. */
export function asyncLaw<T>(property: fc.IAsyncProperty<T>, numRuns = 100): Promise<void> {
  return fc.assert(property, { seed, numRuns });
}
