/**
 * The reward of a path (ours): AUC - lambda max(0, cost / budget - 1) - mu sum over fields of share_f (1 - rank_f / F). The last is the
 * resource competition: fields compete for bytes, and those with a large share of them and a low importance pay.
 */
import type { Path } from "../path.ts";
import type { Costs } from "./cost.ts";

export interface RewardSettings {
  /** lambda */
  readonly penalty: number;
  /** mu */
  readonly competition: number;
}

export interface Judged {
  readonly path: Path;
  /** Of the sample, on the frozen supernet. */
  readonly auc: number;
  readonly reward: number;
  readonly meets: boolean;
}

/** rank_f / F: 1 for the most important field, 1 / F for the least. Ties keep the order of the fields. */
export function ranksOf(importance: readonly number[]): number[] {
  const order = importance.map((x, f) => ({ x, f })).sort((a, b) => a.x - b.x || b.f - a.f);
  const ranks = importance.map(() => 0);
  order.forEach(({ f }, i) => {
    ranks[f] = (i + 1) / importance.length;
  });
  return ranks;
}

export function judge(
  path: Path,
  auc: number,
  costs: Costs,
  ranks: readonly number[],
  { penalty, competition }: RewardSettings,
): Judged {
  const over = Math.max(0, costs.of(path) / costs.limit.value - 1);
  const rivalry = costs.shares(path).reduce((n, share, f) => n + share * (1 - ranks[f]!), 0);
  return {
    path,
    auc,
    reward: auc - penalty * over - competition * rivalry,
    meets: costs.meets(path),
  };
}
