/** What a report says, as plain data: the page draws it, `--json-out` writes it, and tests count by it. */
import type { ResultRow, Summary } from "@trimtab/eval";
import type { Advantage } from "@trimtab/search-core";

/** The uniform model's name in every row. */
export const BASE = "base";

/** A searcher is judged; a baseline is what it must beat; "base" is the uniform model itself. */
export type MethodKind = "base" | "searcher" | "baseline";

export interface MethodInfo {
  readonly name: string;
  readonly kind: MethodKind;
}

/** One method at one budget (null: the base model), over the seeds that are done. */
export interface Point {
  readonly method: string;
  readonly budget: string | null;
  readonly seeds: readonly number[];
  /** Of the test split; null where a row has not been tested. */
  readonly auc: Summary | null;
  readonly logloss: Summary | null;
  readonly parameters: Summary;
  /** Bytes of the embeddings. */
  readonly serve: Summary;
  readonly train: Summary;
  /** Mean seconds of each phase over the seeds: { search, base, train, evaluate }. */
  readonly seconds: Readonly<Record<string, number>>;
  readonly shape: Shape;
}

/** Where the numbers of a scheme are; means over seeds. */
export interface Shape {
  /** Kind of scheme: "per-field", "elements", ... */
  readonly scheme: string;
  /** Numbers kept for each id of each field: its dim, or the mean where rows differ or are shared. */
  readonly kept: readonly number[];
  /** Seeds in which the field has no number at all. */
  readonly dropped: readonly number[];
  /** Numbers kept for each id, by tenths of the ids from the commonest to the rarest. */
  readonly popularity: Curves;
  /** Numbers kept for each id that occurs 1, 2-3, 4-7, 8-15, ... times in the training split; null where that is not known. */
  readonly frequency: Curves | null;
}

/** Means over the ids of a class; null where a class has no id. */
export interface Curves {
  /** Over all fields together. */
  readonly all: readonly (number | null)[];
  /** For the largest fields, by name. */
  readonly fields: Readonly<Record<string, readonly (number | null)[]>>;
}

export interface FieldLine {
  readonly name: string;
  /** n_f */
  readonly ids: number;
  /** Mean rows of the training split in which an id of it occurs; null where that is not known. */
  readonly occurrences: number | null;
  /** Serve bytes of the field in the uniform table, and its part of the whole. */
  readonly bytes: number;
  readonly share: number;
  /**
   * Validation AUC that the base model loses where it reads the field's embeddings as zeros, over seeds; nothing is retrained. null
   * where it was not measured.
   */
  readonly dropCost: Summary | null;
  /** Its part of the saliency that SSEDS measured (mean over seeds); null where no notes have it. */
  readonly saliency: number | null;
  /** How much AdaS&S found the field to matter; null where no notes have it. */
  readonly importance: number | null;
  /** Which searchers and baselines gave it no number, at which budgets, in how many of the seeds. */
  readonly droppedBy: readonly {
    readonly method: string;
    readonly budget: string;
    readonly seeds: number;
    readonly of: number;
    /** Mean test AUC of the whole scheme, all its savings together, less the base model's; null where they have other seeds. */
    readonly besideBase: number | null;
  }[];
}

export interface StabilityLine {
  readonly method: string;
  readonly budget: string;
  readonly runs: number;
  /** Share of equal dims and mean |log2 ratio| over all pairs of seeds; null where the rows of a field have different dims. */
  readonly agreement: number | null;
  readonly meanAbsLog2Ratio: number | null;
  /** Of dims; of mean numbers kept where rows differ. */
  readonly rankCorrelation: number | null;
  /** Numbers that exist in both over numbers that exist in either; null where whole fields have one dim. */
  readonly shared: number | null;
}

/** One searcher at one budget beside the baselines. */
export interface Judgement {
  readonly method: string;
  readonly budget: string | null;
  /** "beats": every baseline that was run at this budget; with one seed by more than the sampling error of one AUC. "no baseline": none was. */
  readonly verdict: "beats" | "does not beat" | "no baseline";
  readonly better: readonly Advantage[];
  readonly level: readonly Advantage[];
  readonly worse: readonly Advantage[];
  /** Beside the base model; null where it was not run with the same seeds. */
  readonly base: Advantage | null;
  /** One sentence. */
  readonly headline: string;
}

/** Something that was asked for and cannot be. */
export interface Impossible {
  readonly method: string;
  readonly budget: string;
  readonly seeds: readonly number[];
  readonly reason: string;
}

/** Something that was asked for and is not there yet. */
export interface Unfinished {
  readonly method: string;
  readonly budget: string | null;
  readonly seeds: readonly number[];
}

/** Something that was asked for, was tried and went wrong; the same command tries it again. */
export interface Failed extends Unfinished {
  readonly message: string;
}

export interface Provenance {
  readonly folders: readonly string[];
  readonly commands: readonly string[];
  readonly engines: readonly string[];
  readonly versions: readonly string[];
  readonly seeds: readonly number[];
  readonly from: string;
  readonly to: string;
  readonly train: unknown;
  readonly model: unknown;
  /** The configuration of each searcher, where its notes have it. */
  readonly searchers: Readonly<Record<string, unknown>>;
}

/** Everything of one dataset, base model and training setting: numbers inside are comparable. */
export interface Study {
  readonly id: string;
  readonly title: string;
  /** Of its run folder, in a study's folder its place there; of several the first one's. */
  readonly name: string;
  readonly dataset: string;
  readonly datasetHash: string;
  readonly synthetic: boolean;
  readonly model: string;
  /** The base model, searchers, baselines; of each kind as the command named them, then in order of appearance. All lists of a study keep this order. */
  readonly methods: readonly MethodInfo[];
  /** The largest first. */
  readonly budgets: readonly string[];
  readonly fields: readonly FieldLine[];
  readonly points: readonly Point[];
  readonly stability: readonly StabilityLine[];
  readonly judgements: readonly Judgement[];
  readonly advantages: readonly Advantage[];
  readonly impossible: readonly Impossible[];
  readonly unfinished: readonly Unfinished[];
  readonly failed: readonly Failed[];
  /** Trainings that are done, and that were asked for; what is not possible is not counted. */
  readonly progress: { readonly done: number; readonly asked: number };
  /** Without schemes, whose masks may be megabytes; they are in the run folder. */
  readonly rows: readonly ResultRow[];
  readonly provenance: Provenance;
  /** What a reader should know: skipped lines, older rows left out. */
  readonly remarks: readonly string[];
}

/** One method in one contest. */
export interface ContestEntry {
  readonly method: string;
  /** Of the test split, over the contest's seeds. */
  readonly auc: Summary;
  /** 1 + how many methods have a higher mean. */
  readonly rank: number;
  /** "level": the best is not told apart from it (95% interval over seeds). "behind": it is. */
  readonly place: "best" | "level" | "behind";
  /** Its mean less the best one's: at most 0. */
  readonly gap: number;
  /** Its mean less the base model's over the same seeds; null where these are not all there. */
  readonly besideBase: number | null;
}

/** All methods of one study at one budget, over seeds that all of them have; the best first. */
export interface Contest {
  readonly study: string;
  readonly budget: string;
  readonly seeds: readonly number[];
  readonly entries: readonly ContestEntry[];
}

/** One method at one budget over all studies in which it had a contest; `gap`, `rank` and `besideBase` are means over them. */
export interface Tally {
  readonly method: string;
  readonly budget: string;
  readonly studies: number;
  readonly best: number;
  readonly level: number;
  readonly behind: number;
  readonly rank: number;
  /** Mean number of methods in its contests. */
  readonly of: number;
  readonly gap: number;
  readonly besideBase: number | null;
}

/** What several studies say together. */
export interface Across {
  /** The largest first. */
  readonly budgets: readonly string[];
  /** Those of most contests first, and of these the lowest mean rank. */
  readonly methods: readonly string[];
  readonly contests: readonly Contest[];
  /** By budget, those of most studies first, and of these the lowest mean rank. */
  readonly tallies: readonly Tally[];
}

export interface Report {
  readonly version: 1;
  /** When the report was made, ISO 8601. */
  readonly created: string;
  readonly synthetic: boolean;
  readonly studies: readonly Study[];
  readonly across: Across;
}
