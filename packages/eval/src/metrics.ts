import { z } from "zod";

const share = z.number().min(0).max(1);
const count = z.int().nonnegative();

/** What `evaluate` measures on one split, as it is written into result rows. */
export const metricsSchema = z.strictObject({
  /** Rows measured. */
  rows: count,
  /** Global AUC, exact, ties averaged. */
  auc: share,
  /** Mean binary cross-entropy in nats. */
  logloss: z.number().nonnegative(),
  calibration: z.strictObject({
    predicted: share,
    observed: share,
    ratio: z.number().nonnegative().nullable(),
    ece: share,
  }),
  /** AUC inside users, averaged; null where no user field is named or no user has both labels. */
  perUser: z
    .strictObject({ auc: share, meanAuc: share, users: count, usersCounted: count, rowsCounted: count })
    .nullable(),
});

/** What `evaluate` measures on one split. */
export type Metrics = Readonly<z.infer<typeof metricsSchema>>;
