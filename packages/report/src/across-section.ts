/** The head of a page of several studies: what is in it, and which method did best at which budget. */
import { formatSummary } from "@trimtab/eval";
import { acrossLines, signed } from "./across.ts";
import { cell, tableHead } from "./html-table.ts";
import { html, type Markup } from "./markup.ts";
import { placesText, together } from "./missing.ts";
import type { Across, ContestEntry, Report, Study, Tally } from "./model.ts";
import { ofOneSeed } from "./words.ts";

/** A line for each study. */
export function contentsSection({ studies }: Report): Markup {
  const several = !studies.some(({ judgements }) => judgements.some(({ better }) => better.some(ofOneSeed)));
  return html`<nav class="card" id="contents" aria-label="studies"><h2>Contents</h2>
<div class="scroll" data-table="contents"><table>${tableHead([
    ["study"],
    ["dataset"],
    ["model"],
    [several ? "beats every baseline" : "ahead of every baseline"],
    ["base AUC", true],
    ["seeds", true],
    ["rows", true],
  ])}<tbody>${studies.map((study, i) => contentsLine(study, i + 1))}</tbody></table></div></nav>`;
}

function contentsLine(study: Study, number: number): Markup {
  const { id, dataset, synthetic, model, provenance, progress, impossible, unfinished, failed, remarks } =
    study;
  const base = study.points.find(({ method }) => method === "base")?.auc ?? null;
  const { done, asked } = progress;
  const open = [
    failed.length > 0 &&
      html` <span class="mark bad">${failed.reduce((n, { seeds }) => n + seeds.length, 0)} failed</span>`,
    unfinished.length > 0 && html` <span class="mark warn">not finished</span>`,
    together(failed).map(
      (line) =>
        html`<div class="why">${placesText(line)} <a href="#${id}-missing">failed</a>: ${clipped(line.message)}</div>`,
    ),
  ];
  const missing = impossible.length > 0 ? `, ${impossible.length} not possible` : "";
  return html`<tr><td data-v="${number}"><a href="#${id}">${number}. ${study.name}</a></td>${cell(`${dataset}${synthetic ? " (synthetic)" : ""}`)}${cell(model)}<td class="wrap" data-v="${fewWords(study)}">${fewWords(study)}</td>${cell(base ? formatSummary(base, (v) => v.toFixed(4)) : "-", base?.mean ?? null)}${cell(String(provenance.seeds.length), provenance.seeds.length)}<td class="number" data-v="${done}">${done} of ${asked}${missing}${open}${remarks.length > 0 ? html` <span class="soft">${remarks.length} ${remarks.length === 1 ? "remark" : "remarks"}</span>` : null}</td></tr>`;
}

/** Letters of a message in the contents; all of it is in the study's own section. */
const MESSAGE = 120;
const clipped = (text: string) => (text.length > MESSAGE ? `${text.slice(0, MESSAGE - 1)}…` : text);

/** "pep at 20%, 5%; sseds nowhere". */
export function fewWords({ judgements }: Pick<Study, "judgements">): string {
  if (judgements.length === 0) return "no searcher has a row";
  const searchers = [...new Set(judgements.map(({ method }) => method))];
  const budgets = (method: string) =>
    judgements.flatMap((one) => {
      if (one.method !== method || one.verdict !== "beats") return [];
      return `${one.budget ?? "no budget"}${one.better.some(ofOneSeed) ? " (one seed)" : ""}`;
    });
  const winners = searchers.filter((name) => budgets(name).length > 0);
  const unjudged = searchers.filter((name) =>
    judgements.every((one) => one.method !== name || one.verdict === "no baseline"),
  );
  const losers = searchers.filter((name) => !winners.includes(name) && !unjudged.includes(name));
  return [
    ...winners.map((name) => `${name} at ${budgets(name).join(", ")}`),
    ...(losers.length > 0 ? [`${losers.join(", ")} nowhere`] : []),
    ...(unjudged.length > 0 ? [`${unjudged.join(", ")} beside no baseline`] : []),
  ].join("; ");
}

export function acrossSection({ across, studies }: Report): Markup {
  if (across.contests.length === 0) {
    return html`<section class="card" id="across"><h2>Which method, at which budget</h2><p class="empty">No budget has two methods with the same finished seeds yet.</p></section>`;
  }
  return html`<section class="card" id="across"><h2>Which method, at which budget</h2>
<ul>${acrossLines(across).map((line) => html`<li>${line}</li>`)}</ul>
<p class="soft">In each study the methods of one budget are compared by mean test AUC over the same seeds. <span class="mark place-best">best</span> has the highest mean, <span class="mark place-level">level</span> is not told apart from it (95% interval over seeds), <span class="mark place-behind">behind</span> is. Few seeds tell little apart: then almost everything is level. ${across.contests.some(ofOneSeed) ? "With one seed the interval is the sampling error of one test AUC, and training noise is unknown. " : ""}Below: how often each was what; its mean rank, and among how many methods; its mean distance to the best and to the uniform table in test AUC.</p>
<div class="scroll" data-table="tallies" tabindex="0"><table class="tallies">${tableHead([
    ["method"],
    ...across.budgets.map((budget) => [budget] as const),
  ])}<tbody>${across.methods.map(
    (method) =>
      html`<tr>${cell(method)}${across.budgets.map((budget) =>
        tallyCell(across.tallies.find((t) => t.method === method && t.budget === budget)),
      )}</tr>`,
  )}</tbody></table></div>
${contestTable(across, studies)}</section>`;
}

function tallyCell(tally: Tally | undefined): Markup {
  if (tally === undefined) return html`<td data-v="" class="soft">-</td>`;
  const { best, level, behind, rank, of, gap, besideBase } = tally;
  const parts = [
    ["best", best],
    ["level", level],
    ["behind", behind],
  ] as const;
  const shown = parts.filter(([, n]) => n > 0);
  return html`<td data-v="${rank}"><div class="places">${shown.map(
    ([place, n]) => html`<span class="place-${place}" style="flex:${n}">${n} ${place}</span>`,
  )}</div><div class="soft">rank ${rank.toFixed(1)} of ${Number(of.toFixed(1))}<br>${gap === 0 ? "always first" : `${signed(gap)} to the best`}${besideBase === null ? null : html`<br>${signed(besideBase)} to uniform`}</div></td>`;
}

/** Every number of the tallies comes from a line of this table. */
function contestTable({ contests, methods }: Across, studies: readonly Study[]): Markup {
  const name = (id: string) => {
    const at = studies.findIndex((study) => study.id === id);
    return `${at + 1}. ${studies[at]!.name}`;
  };
  return html`<details><summary>Every comparison that was counted (${contests.length})</summary>
<div class="scroll tall" data-table="contests" tabindex="0"><table>${tableHead([
    ["study"],
    ["budget"],
    ["seeds"],
    ...methods.map((method) => [method, true] as const),
  ])}<tbody>${contests.map(
    ({ study, budget, seeds, entries }) =>
      html`<tr><td data-v="${name(study)}"><a href="#${study}">${name(study)}</a></td>${cell(budget)}${cell(seeds.join(", "))}${methods.map(
        (method) => contestCell(entries.find((entry) => entry.method === method)),
      )}</tr>`,
  )}</tbody></table></div></details>`;
}

function contestCell(entry: ContestEntry | undefined): Markup {
  if (entry === undefined) return cell("-", null);
  const { auc, place } = entry;
  return html`<td class="number" data-v="${auc.mean}"><span class="mark place-${place}">${place}</span> ${formatSummary(auc, (v) => v.toFixed(4))}</td>`;
}
