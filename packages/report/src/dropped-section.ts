/** Fields that some scheme drops: what going without them saves, and what it costs. */
import { formatBytes, formatCount, formatShare } from "@trimtab/eval";
import { signed } from "./across.ts";
import { cell, tableHead } from "./html-table.ts";
import { html, type Markup } from "./markup.ts";
import type { FieldLine, Study } from "./model.ts";

interface Column {
  readonly title: string;
  readonly cell: (field: FieldLine) => Markup;
}

export function droppedSection({ fields }: Study): Markup {
  const dropped = fields.filter(({ droppedBy }) => droppedBy.length > 0);
  if (dropped.length === 0) {
    return html`<section class="card"><h3>Dropped fields</h3><p class="empty">No method dropped a whole field.</p></section>`;
  }
  const columns = columnsOf(fields);
  return html`<section class="card"><h3>Dropped fields, and what each costs</h3>
<p class="soft">${dropped.length} of ${fields.length} fields have no number at all in some scheme.${notesOf(fields).map((note) => ` ${note}`)}</p>
<div class="scroll tall" data-table="dropped" tabindex="0"><table>${tableHead([
    ...columns.map(({ title }) => [title, title !== "field"] as const),
    ["dropped by"],
  ])}<tbody>${dropped.map(
    (field) =>
      html`<tr>${columns.map((column) => column.cell(field))}<td class="wrap" data-v="${field.droppedBy.length}">${droppedText(field.droppedBy)}</td></tr>`,
  )}</tbody></table></div></section>`;
}

function columnsOf(fields: readonly FieldLine[]): Column[] {
  const known = (value: (field: FieldLine) => unknown) => fields.some((field) => value(field) !== null);
  const all: readonly (Column & { readonly known: boolean })[] = [
    { title: "field", known: true, cell: ({ name }) => cell(name) },
    { title: "ids", known: true, cell: ({ ids }) => cell(formatCount(ids), ids) },
    { title: "bytes saved", known: true, cell: ({ bytes }) => cell(formatBytes(bytes), bytes) },
    { title: "of the table", known: true, cell: ({ share }) => cell(formatShare(share), share) },
    {
      title: "AUC lost",
      known: known(({ dropCost }) => dropCost),
      cell: ({ dropCost }) => {
        if (dropCost === null) return cell("-", null);
        const { mean, sd } = dropCost;
        return cell(`${mean.toFixed(5)}${sd === null ? "" : ` ± ${sd.toFixed(5)}`}`, mean);
      },
    },
    {
      title: "saliency lost",
      known: known(({ saliency }) => saliency),
      cell: ({ saliency }) => cell(saliency === null ? "-" : formatShare(saliency), saliency),
    },
    {
      title: "importance",
      known: known(({ importance }) => importance),
      cell: ({ importance }) => cell(importance === null ? "-" : importance.toPrecision(3), importance),
    },
  ];
  return all.filter(({ known }) => known);
}

/** What the columns that are there mean. */
function notesOf(fields: readonly FieldLine[]): string[] {
  const cost = fields.find(({ dropCost }) => dropCost !== null)?.dropCost;
  const over = cost?.n === 1 ? "one seed" : `mean and sd over ${cost?.n} seeds`;
  return [
    cost
      ? `AUC lost: of the trained base model on validation rows, where it reads the field's embeddings as zeros (${over}; first-order weights stay). Nothing was retrained, so a model trained without the field may lose less; below zero the model is better without.`
      : "What a field is worth to the base model was not measured in this folder; compare measures it when it is run again.",
    fields.some(({ saliency }) => saliency !== null)
      ? "Saliency: the field's part of what SSEDS measured on the base model, mean over seeds."
      : "",
    fields.some(({ importance }) => importance !== null)
      ? "Importance: what AdaS&S learned of the field, mean over seeds."
      : "",
    fields.some(({ droppedBy }) => droppedBy.some(({ besideBase }) => besideBase !== null))
      ? "Dropped by: in brackets the test AUC of the whole scheme, with all its other savings, less the base model's."
      : "",
  ].filter((note) => note !== "");
}

export function droppedText(lines: FieldLine["droppedBy"]): string {
  const methods = [...new Set(lines.map(({ method }) => method))];
  return methods
    .map((name) => {
      const budgets = lines
        .filter(({ method }) => method === name)
        .map(({ budget, seeds, of, besideBase }) => {
          const facts = [
            ...(seeds === of ? [] : [`${seeds} of ${of} seeds`]),
            ...(besideBase === null ? [] : [signed(besideBase)]),
          ];
          return facts.length === 0 ? budget : `${budget} (${facts.join(", ")})`;
        });
      return `${name} at ${budgets.join(", ")}`;
    })
    .join("; ");
}
