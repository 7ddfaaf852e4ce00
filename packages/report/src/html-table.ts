/** Tables of a page: heads that can be pressed to sort, cells that know their value. */
import { html, type Markup } from "./markup.ts";

export type ColumnSpec = readonly [title: string, number?: boolean];

export function tableHead(columns: readonly ColumnSpec[]): Markup {
  return html`<thead><tr>${columns.map(
    ([title, number]) =>
      html`<th scope="col"${number ? html` class="number"` : null}><button type="button">${title}</button></th>`,
  )}</tr></thead>`;
}

/** With a value the cell is a number and sorts by it; null is a number that is not there. */
export function cell(text: string, value?: number | null): Markup {
  if (value === undefined) return html`<td data-v="${text}">${text}</td>`;
  return html`<td class="number" data-v="${value ?? ""}">${text}</td>`;
}
