/** Verdicts in words: what is told apart from what, and plainly where a searcher does not beat the baselines. */
import type { Advantage } from "@trimtab/search-core";
import { signed } from "./across.ts";
import { BASE, type Judgement } from "./model.ts";

type Told = Omit<Judgement, "headline">;

/** Of training noise nothing is known then, so nothing is said to beat anything. */
export const ofOneSeed = ({ seeds }: Pick<Advantage, "seeds">): boolean => seeds.length === 1;

/** To be said once beside verdicts of which some are of one seed. */
export const ONE_SEED =
  "One seed tells nothing of training noise: ahead and behind mean by more than the sampling error of one test AUC.";

const UNKNOWN = "one seed, so training noise is unknown";

/** What a pair is called over several seeds, and with one. */
const WORDS: Record<Advantage["verdict"], readonly [several: string, one: string]> = {
  better: ["beats", "is ahead of"],
  "within noise": ["is not told apart from", "is not told apart from"],
  worse: ["is worse than", "is behind"],
};
const wordOf = (pair: Advantage) => WORDS[pair.verdict][ofOneSeed(pair) ? 1 : 0];

const listOf = (list: readonly Advantage[]) => list.map(({ other }) => other).join(", ");

/** " (one seed, so training noise is unknown)"; of some pairs alone with their names. */
function oneSeed({ better, level, worse }: Told): string {
  const beside = [...better, ...level, ...worse];
  const ones = beside.filter(ofOneSeed);
  if (ones.length === 0) return "";
  return ones.length === beside.length ? ` (${UNKNOWN})` : ` (${listOf(ones)}: ${UNKNOWN})`;
}

/** "beats A; is not told apart from B; is worse than C". */
function partsOf({ better, level, worse }: Told): string {
  const parts = Map.groupBy([...better, ...level, ...worse], wordOf);
  return [...parts].map(([word, pairs]) => `${word} ${listOf(pairs)}`).join("; ");
}

const whoOf = ({ method, budget }: Pick<Told, "method" | "budget">) =>
  budget === null ? method : `${method} at ${budget}`;

/** One sentence. */
export function headlineOf(told: Told): string {
  const { verdict, better } = told;
  const [who, one] = [whoOf(told), oneSeed(told)];
  if (verdict === "no baseline") return `${who}: no baseline was run at this budget with the same seeds.`;
  if (verdict === "beats") {
    const all = better.length === 1 ? "the one baseline there is" : `all ${better.length} baselines`;
    return `${who} ${one === "" ? "beats" : "is ahead of"} ${all}: ${listOf(better)}${one}.`;
  }
  return `${who} does not beat the baselines${one}: it ${partsOf(told)}.`;
}

/** The headline beside a mark that says the verdict already. */
export function underMark(told: Judgement): string {
  return told.verdict === "no baseline"
    ? `${whoOf(told)}.`
    : `${whoOf(told)} ${partsOf(told)}${oneSeed(told)}.`;
}

/** One pair in one sentence, with the difference and its noise. */
export function sentence(pair: Advantage): string {
  const { other, mean, noise, seeds, verdict } = pair;
  const what = `${whoOf(pair)} ${wordOf(pair)} ${other === BASE ? "the uniform base model" : other}`;
  const gain = `${signed(mean)} test AUC`;
  if (!ofOneSeed(pair)) {
    return `${what}: ${gain} (95% interval ±${noise.toFixed(4)} over ${seeds.length} seeds)`;
  }
  const by = verdict === "within noise" ? "" : " by more than the sampling error of one AUC";
  return `${what}${by}: ${gain} (the test rows alone give ±${noise.toFixed(4)}; ${UNKNOWN})`;
}

/** "Above the uniform base model (+0.0012 ± 0.0007)." */
export function besideUniform(base: Advantage): string {
  const word = { better: "Above", worse: "Below", "within noise": "Not told apart from" }[base.verdict];
  const noise = base.noise.toFixed(4);
  const beside = ofOneSeed(base) ? `; the test rows alone give ±${noise}` : ` ± ${noise}`;
  return `${word} the uniform base model (${signed(base.mean)}${beside}).`;
}
