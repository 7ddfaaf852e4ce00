/** Seeds of property tests: fixed in CI, fresh elsewhere, printed always, so that a failure can be run again. */
import fc from "fast-check";

const given = process.env.FC_SEED ?? (process.env.CI ? "20260705" : String(Date.now() % 2 ** 31));
export const seed = Number(given);
// not by processes that a test starts: what they say is read by it
if (/\.test\.\w+$/.test(Bun.main)) console.log(`fast-check seed ${seed} (set FC_SEED to repeat)`);

/** Asserts a law with the run's seed. */
export function law<T>(property: fc.IProperty<T>, numRuns = 100): void {
  fc.assert(property, { seed, numRuns });
}

/** As `law`, for properties that wait for something. `examples` are tried first: those that once broke the law. */
export function asyncLaw<T>(
  property: fc.IAsyncProperty<T>,
  numRuns = 100,
  examples: T[] = [],
): Promise<void> {
  return fc.assert(property, { seed, numRuns, examples });
}
