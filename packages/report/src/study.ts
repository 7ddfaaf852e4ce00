/** From the rows of one or several folders to one study: everything in it has the same data, base model and training. */
import type { FieldSpec } from "@trimtab/embeddings";
import { type ResultRow, rowPlace, summarize } from "@trimtab/eval";
import { advantages } from "@trimtab/search-core";
import { fieldLines } from "./fields.ts";
import type { Frequencies, Occurrences } from "./frequency.ts";
import { judge, searchersIn } from "./judge.ts";
import { impossibleOf, openOf, seedOf } from "./missing.ts";
import type { Impossible, Point, Provenance, Study } from "./model.ts";
import { inOrder, methodsIn } from "./order.ts";
import { plateauRemark } from "./plateaus.ts";
import { shapeOf } from "./shape.ts";
import type { Source, SourceRow } from "./source.ts";
import { stabilityOf } from "./stability.ts";

/** Fields that get a popularity curve of their own. */
const CURVES = 8;

interface Group {
  readonly method: string;
  readonly budget: string | null;
  readonly members: readonly SourceRow[];
}

export interface StudyOptions {
  readonly id: string;
  readonly baselines: readonly string[];
  readonly frequencies: Frequencies;
  /** Names of methods in the order in which they are listed; those that it lacks follow in order of appearance. */
  readonly order: readonly string[];
}

/** Builds the study of `sources`, which `together` found to belong together. */
export function studyOf(sources: readonly Source[], options: StudyOptions): Study {
  const { id, baselines, frequencies, order } = options;
  const remarks = sources.flatMap(({ problems }) => problems);
  const found = latest(sources, remarks);
  const methods = methodsIn(
    found.map(({ row }) => row),
    baselines,
    order,
  );
  const names = methods.map(({ name }) => name);
  const members = inOrder(found, ({ row }) => row, names);
  const rows = members.map(({ row }) => row);
  const plateau = plateauRemark(rows);
  if (plateau !== undefined) remarks.push(plateau);
  const first = members[0]!;
  const fields = first.scheme.fields;
  const shown = largest(fields);
  const groups = grouped(members);
  const occurrences = fitting(frequencies.get(first.row.datasetHash), fields);
  const points = groups.map((group) => pointOf(group, shown, occurrences));
  const stability = groups.flatMap(({ method, budget, members }) => {
    if (budget === null) return [];
    const schemes = members.map(({ scheme }) => scheme);
    return stabilityOf(method, budget, schemes) ?? [];
  });
  const impossible = impossibleOf(sources, rows);
  const { unfinished, failed } = openOf(sources, rows, impossible);
  const open = [...unfinished, ...failed].reduce((n, { seeds }) => n + seeds.length, 0);
  const { dataset, datasetHash, synthetic, model } = first.row;
  return {
    id,
    title: `${dataset}, ${model}`,
    name: sources[0]!.name,
    dataset,
    datasetHash,
    synthetic,
    model,
    methods,
    budgets: budgetsOf(points, impossible),
    fields: fieldLines(fields, {
      points,
      uniformBytes: first.row.bytes.uniform,
      notes: sources.flatMap(({ notes }) => notes),
      // folders of one study may have measured the same seed, of the same base model
      dropCosts: [
        ...new Map(
          sources.flatMap(({ dropCosts }) => dropCosts.map((one) => [one.seed, one] as const)),
        ).values(),
      ],
      occurrences,
    }),
    points,
    stability,
    judgements: judge(rows, baselines),
    advantages: searchersIn(rows, baselines).flatMap((method) => advantages(rows, method)),
    impossible,
    unfinished,
    failed,
    progress: { done: rows.length, asked: rows.length + open },
    rows: rows.map(withoutScheme),
    provenance: provenanceOf(sources, rows),
    remarks,
  };
}

/**
 * Of rows of the same method, budget and seed the last written one counts: the others are of settings that were left behind. Inside a folder
 * the place in the file tells, because a row that another run trained keeps the date of its training; between folders the date.
 */
function latest(sources: readonly Source[], remarks: string[]): SourceRow[] {
  const kept = new Map<string, SourceRow>();
  let left = 0;
  for (const { rows } of sources) {
    const last = new Map(rows.map((one) => [rowPlace(one.row), one]));
    left += rows.length - last.size;
    for (const [name, one] of last) {
      const other = kept.get(name);
      if (other) left++;
      if (!other || other.row.date <= one.row.date) kept.set(name, one);
    }
  }
  if (left > 0) {
    remarks.push(
      `${left} ${left === 1 ? "row was" : "rows were"} left out: a later row of the same method, budget and seed is there.`,
    );
  }
  return [...kept.values()];
}

function grouped(members: readonly SourceRow[]): Group[] {
  const groups = new Map<string, SourceRow[]>();
  for (const one of members) {
    const key = JSON.stringify([one.row.method, one.row.budget]);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()].map((members) => {
    const { method, budget } = members[0]!.row;
    return { method, budget, members };
  });
}

/** Counts of exactly these fields; of others they would be nonsense. */
function fitting(
  occurrences: Occurrences | undefined,
  fields: readonly FieldSpec[],
): Occurrences | undefined {
  const fits = fields.every(({ rows }, f) => occurrences?.[f]?.length === rows);
  return fits ? occurrences : undefined;
}

function pointOf(
  { method, budget, members }: Group,
  shown: readonly number[],
  occurrences: Occurrences | undefined,
): Point {
  const rows = members.map(({ row }) => row);
  const over = (value: (row: ResultRow) => number) => summarize(rows.map(value));
  const tested = rows.every((row) => row.metrics.test !== null);
  const phases = [...new Set(rows.flatMap((row) => Object.keys(row.seconds)))];
  return {
    method,
    budget,
    seeds: rows.map(seedOf).sort((a, b) => a - b),
    auc: tested ? over((row) => row.metrics.test!.auc) : null,
    logloss: tested ? over((row) => row.metrics.test!.logloss) : null,
    parameters: over((row) => row.parameters),
    serve: over((row) => row.bytes.serve),
    train: over((row) => row.bytes.train),
    seconds: Object.fromEntries(phases.map((phase) => [phase, over((row) => row.seconds[phase] ?? 0).mean])),
    shape: shapeOf(
      members.map(({ scheme }) => scheme),
      shown,
      occurrences,
    ),
  };
}

function largest(fields: readonly FieldSpec[]): number[] {
  return fields
    .map((_, f) => f)
    .sort((a, b) => fields[b]!.rows - fields[a]!.rows)
    .slice(0, CURVES);
}

/** The largest first, by the bytes that were used under each; budgets that nobody met come last, as they were given. */
function budgetsOf(points: readonly Point[], impossible: readonly Impossible[]): string[] {
  const most = new Map<string, number>(impossible.map(({ budget }) => [budget, 0]));
  for (const { budget, serve } of points) {
    if (budget !== null) most.set(budget, Math.max(most.get(budget) ?? 0, serve.max));
  }
  return [...most].sort(([, a], [, b]) => b - a).map(([budget]) => budget);
}

function withoutScheme(row: ResultRow): ResultRow {
  const { scheme, ...config } = row.config;
  const kind = typeof scheme === "object" && scheme !== null && "kind" in scheme ? scheme.kind : null;
  return { ...row, config: { ...config, scheme: kind ?? null } };
}

function provenanceOf(sources: readonly Source[], rows: readonly ResultRow[]): Provenance {
  const unique = (values: readonly string[]) => [...new Set(values)];
  const dates = rows.map(({ date }) => date).sort();
  return {
    folders: sources.map(({ folder }) => folder),
    commands: unique(
      sources.flatMap(({ history, config }) =>
        history.commands.length > 0 ? history.commands : [config.command],
      ),
    ),
    engines: unique(rows.map(({ engine, adapter }) => `${engine}: ${adapter}`)),
    versions: unique(
      rows.map(({ versions: { trimtab, bun, webgpu } }) =>
        [`trimtab ${trimtab}`, `bun ${bun}`, ...(webgpu === null ? [] : [`webgpu ${webgpu}`])].join(", "),
      ),
    ),
    seeds: [...new Set(rows.map(seedOf))].sort((a, b) => a - b),
    from: dates[0]!,
    to: dates.at(-1)!,
    train: sources[0]!.config.train,
    model: sources[0]!.config.model,
    searchers: Object.fromEntries(
      sources.flatMap(({ notes }) => notes.map(({ method, config }) => [method, config ?? {}])),
    ),
  };
}
