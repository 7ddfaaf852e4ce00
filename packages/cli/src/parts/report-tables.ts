/** Parts of a report as tables in the terminal: several studies together, stability, dropped fields, time. */
import {
  type Column,
  formatBytes,
  formatCount,
  formatSeconds,
  formatShare,
  formatSummary,
  renderTable,
} from "@trimtab/eval";
import { type Across, acrossLines, droppedText, type Report, type Study, signed } from "@trimtab/report";
import { wrapWords } from "./wrap.ts";

const right = <Row>(title: string, value: (row: Row) => string): Column<Row> => ({
  ...{ title, value, align: "right" },
});

/** Undefined where there is one study alone. */
export function acrossText({ across, studies }: Report): string | undefined {
  if (studies.length < 2 || across.contests.length === 0) return undefined;
  const lines = acrossLines(across).map((line) => wrapWords(line));
  return [talliesTable(across), ...lines].join("\n");
}

function talliesTable({ tallies }: Across): string {
  return renderTable(tallies, [
    { title: "budget", value: ({ budget }) => budget },
    { title: "method", value: ({ method }) => method },
    right("studies", ({ studies }) => String(studies)),
    right("best", ({ best }) => String(best)),
    right("level", ({ level }) => String(level)),
    right("behind", ({ behind }) => String(behind)),
    right("mean rank", ({ rank, of }) => `${rank.toFixed(1)} of ${Number(of.toFixed(1))}`),
    right("to the best", ({ gap }) => signed(gap)),
    right("to uniform", ({ besideBase }) => (besideBase === null ? "-" : signed(besideBase))),
  ]);
}

/** Numbers kept for each id, by field and method: a table for each budget. */
export function dimsText({ budgets, points, fields }: Study): string | undefined {
  const tables = budgets.flatMap((budget) => {
    const mine = points.filter((point) => point.budget === budget);
    if (mine.length === 0) return [];
    const table = renderTable(
      fields.map((field, f) => ({ field, f })),
      [
        { title: "field", value: ({ field }) => field.name },
        right("ids", ({ field }) => formatCount(field.ids)),
        ...(fields.some(({ occurrences }) => occurrences !== null)
          ? [
              right("rows an id", ({ field }: { field: Study["fields"][number] }) =>
                field.occurrences === null ? "-" : String(Number(field.occurrences.toPrecision(3))),
              ),
            ]
          : []),
        ...mine.map(({ method, shape }) =>
          right(method, ({ f }: { f: number }) => String(Number(shape.kept[f]!.toPrecision(3)))),
        ),
      ],
    );
    return [`Numbers kept for each id at ${budget}, mean over seeds\n${table}`];
  });
  return tables.length === 0 ? undefined : tables.join("\n\n");
}

export function stabilityText({ stability }: Study): string | undefined {
  if (stability.length === 0) return undefined;
  const share = (value: number | null) => (value === null ? "-" : formatShare(value));
  const fixed = (value: number | null) => (value === null ? "-" : value.toFixed(3));
  const table = renderTable(stability, [
    { title: "method", value: ({ method }) => method },
    { title: "budget", value: ({ budget }) => budget },
    right("seeds", ({ runs }) => String(runs)),
    right("equal dims", ({ agreement }) => share(agreement)),
    right("mean |log2 ratio|", ({ meanAbsLog2Ratio }) => fixed(meanAbsLog2Ratio)),
    right("rank correlation", ({ rankCorrelation }) => fixed(rankCorrelation)),
    right("numbers shared", ({ shared }) => share(shared)),
  ]);
  return `Stability over seeds: what each seed found, pair by pair\n${table}`;
}

export function droppedFieldsText({ fields }: Study): string | undefined {
  const dropped = fields.filter(({ droppedBy }) => droppedBy.length > 0);
  if (dropped.length === 0) return undefined;
  const table = renderTable(dropped, [
    { title: "field", value: ({ name }) => name },
    right("ids", ({ ids }) => formatCount(ids)),
    right("bytes saved", ({ bytes }) => formatBytes(bytes)),
    right("AUC lost", ({ dropCost }) =>
      dropCost === null ? "-" : formatSummary(dropCost, (v) => v.toFixed(5)),
    ),
    right("saliency lost", ({ saliency }) => (saliency === null ? "-" : formatShare(saliency))),
    {
      title: "dropped by (test AUC of the scheme beside the base)",
      value: ({ droppedBy }) => droppedText(droppedBy),
    },
  ]);
  const what =
    "Dropped fields (AUC lost: of the base model on validation rows, where it reads the field as zeros; nothing retrained)";
  return `${wrapWords(what)}\n${table}`;
}

export function timesText({ points }: Study): string {
  const phases = [...new Set(points.flatMap(({ seconds }) => Object.keys(seconds)))];
  const table = renderTable(points, [
    { title: "method", value: ({ method }) => method },
    { title: "budget", value: ({ budget }) => budget ?? "-" },
    ...phases.map((phase) =>
      right(phase, ({ seconds }: Study["points"][number]) => {
        const value = seconds[phase];
        return value === undefined ? "-" : formatSeconds(value);
      }),
    ),
  ]);
  return `Time of each phase, mean over seeds\n${table}`;
}
