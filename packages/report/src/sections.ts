/** The parts of a study as HTML. They can be read without any script; the charts come on top. */
import {
  formatBytes,
  formatCount,
  formatRatio,
  formatSeconds,
  formatShare,
  type ResultRow,
} from "@trimtab/eval";
import { cell, tableHead } from "./html-table.ts";
import { type Content, html, type Markup } from "./markup.ts";
import { placesText, together } from "./missing.ts";
import type { Judgement, Study } from "./model.ts";
import { besideUniform, ONE_SEED, ofOneSeed, sentence, underMark } from "./words.ts";

const seedsText = (seeds: readonly number[]) =>
  `${seeds.length === 1 ? "seed" : "seeds"} ${seeds.join(", ")}`;

export function verdictSection({ judgements, advantages, synthetic }: Study): Markup {
  const lines = judgements.map(
    (one) =>
      html`<li data-verdict="${one.verdict}">${markOf(one)} ${underMark(one)}${one.base && html` <span class="soft">${besideUniform(one.base)}</span>`}</li>`,
  );
  const pairs = advantages.map((one) => html`<li>${sentence(one)}</li>`);
  return html`<section class="card verdicts"><h3>Verdicts</h3>
<p class="soft">Each searcher beside the baselines at the same budget: ${howJudged(advantages)}${synthetic ? " All numbers are from generated (synthetic) data." : ""}</p>
${lines.length === 0 ? html`<p class="empty">No searcher has a finished row, so there is nothing to judge.</p>` : html`<ul class="plain">${lines}</ul>`}
${pairs.length === 0 ? null : html`<details><summary>Each pair, with its difference and noise (${pairs.length})</summary><ul class="plain">${pairs}</ul></details>`}
</section>`;
}

function howJudged(pairs: Study["advantages"]): string {
  const one = pairs.filter(ofOneSeed).length;
  const several =
    "differences of test AUC seed by seed, outside the 95% interval or not. One pair in twenty looks different by chance.";
  if (one === 0) return several;
  return one === pairs.length ? `differences of test AUC. ${ONE_SEED}` : `${several} ${ONE_SEED}`;
}

function markOf({ verdict, better }: Judgement): Markup {
  if (verdict === "beats" && better.some(ofOneSeed))
    return html`<span class="mark place-level">ahead of the baselines</span>`;
  if (verdict === "beats") return html`<span class="mark good">beats the baselines</span>`;
  if (verdict === "no baseline") return html`<span class="mark warn">no baseline</span>`;
  return html`<span class="mark bad">does not beat the baselines</span>`;
}

export function missingSection({ impossible, unfinished, failed, remarks }: Study): Content {
  if (impossible.length + unfinished.length + failed.length + remarks.length === 0) return null;
  return html`<section class="card"><h3>What is missing</h3>
${
  failed.length === 0
    ? null
    : html`<p><span class="mark bad">failed</span> Trainings that went wrong; the same command tries them again:</p><ul data-failed>${together(
        failed,
      ).map(
        (line) =>
          html`<li>${placesText(line)} (${seedsText(line.seeds)}): <span class="message">${line.message}</span></li>`,
      )}</ul>`
}
${
  unfinished.length === 0
    ? null
    : html`<p><span class="mark warn">not finished</span> This comparison is half done. Still to come:</p><ul data-unfinished>${together(
        unfinished,
      ).map((line) => html`<li>${placesText(line)}: ${seedsText(line.seeds)}</li>`)}</ul>`
}
${
  impossible.length === 0
    ? null
    : html`<p>Not possible:</p><ul data-impossible>${impossible.map(
        ({ method, budget, seeds, reason }) =>
          html`<li>${method} at ${budget} (${seedsText(seeds)}): ${reason}</li>`,
      )}</ul>`
}
${remarks.length === 0 ? null : html`<p>Remarks:</p><ul>${remarks.map((remark) => html`<li>${remark}</li>`)}</ul>`}
</section>`;
}

export function frontSection({ methods, points }: Study): Markup {
  const charts = [
    ["serve", "Test AUC against bytes to serve"],
    ["train", "Test AUC against bytes while training"],
    ["parameters", "Test AUC against parameters"],
  ] as const;
  const several = points.some(({ seeds }) => seeds.length > 1);
  return html`<section class="card"><h3>Quality against size</h3>
<p class="soft">${several ? "Bands and bars: one standard deviation over seeds." : "One seed only: training noise is unknown, so there are no bands."} Whole lines and filled symbols are searchers, dashed lines and hollow symbols are baselines. The grey line is the base model with its uniform table.</p>
<div class="legend">${methods.map(
    ({ name, kind }) =>
      html`<label><input type="checkbox" checked data-method="${name}"><span data-sample="${name}"></span>${name} <span class="soft">${kind === "base" ? "uniform" : kind}</span></label>`,
  )}</div>
<div class="fronts">${charts.map(
    ([name, title]) =>
      html`<figure${name === "serve" ? html` class="wide"` : null}><h4>${title}</h4><div data-chart="${name}" data-label="${title}"></div></figure>`,
  )}</div></section>`;
}

export function dimsSection({ methods, budgets, points }: Study): Content {
  const shown = budgets.filter((budget) => points.some((point) => point.budget === budget));
  if (shown.length === 0) return null;
  const start = shown.includes("10%") ? "10%" : shown[Math.floor((shown.length - 1) / 2)]!;
  const known = points.some(({ shape }) => shape.frequency !== null);
  const curves = Object.keys(points[0]!.shape.popularity.fields);
  const differ = points.some(({ shape }) => shape.scheme === "elements" || shape.scheme === "chunks");
  return html`<section class="card"><h3>Where the numbers are</h3>
<div class="controls"><label>At a budget of <select data-budget>${shown.map(
    (budget) =>
      html`<option value="${budget}"${budget === start ? html` selected` : null}>${budget}</option>`,
  )}</select></label></div>
<div class="legend">${methods
    .filter(({ kind }) => kind !== "base")
    .map(({ name }) => html`<span><span data-sample="${name}"></span>${name}</span>`)}</div>
<figure><h4>Dims per field</h4><figcaption>Numbers for each id, mean over seeds${differ ? "; the mean over ids where rows differ" : ""}. A point is a dropped field. Scroll sideways where it does not fit.</figcaption>
<div class="scroll" data-chart="heat" data-label="Numbers kept for each id, by method and field" tabindex="0"></div></figure>
${
  known
    ? html`<figure><h4>Frequency against dim: fields</h4><figcaption>A point for each field and method: in how many training rows an id of the field occurs on average, and how many numbers it keeps.</figcaption>
<div data-chart="field-dims" data-label="Numbers kept for each id, by mean frequency of the field's ids"></div></figure>`
    : null
}
<figure><h4>Frequency against dim: ids</h4><div class="controls"><label>Ids of <select data-field><option value="">all fields</option>${curves.map(
    (name) => html`<option value="${name}">${name}</option>`,
  )}</select></label><label>by <select data-by>${known ? html`<option value="frequency">how often they occur</option>` : null}<option value="tenths">rank, in tenths</option></select></label></div>
<figcaption>${known ? "Counts are of the training split." : "The dataset is not where the run says, so ids are known by their rank alone: they are numbered by falling frequency."} Id 0 (unknown values) is left out. Methods that size whole fields are flat inside one field. Under hashed rows every id reads a whole vector, which it shares.</figcaption>
<div data-chart="popularity" data-label="Mean numbers kept by frequency of ids"></div></figure></section>`;
}

export function stabilitySection({ stability }: Study): Markup {
  if (stability.length === 0) {
    return html`<section class="card"><h3>Stability over seeds</h3><p class="empty">At least two finished seeds of a method are needed.</p></section>`;
  }
  const share = (value: number | null) => (value === null ? "-" : formatShare(value));
  const fixed = (value: number | null) => (value === null ? "-" : value.toFixed(3));
  return html`<section class="card"><h3>Stability over seeds</h3>
<p class="soft">What each seed found, compared pair by pair and averaged. Equal dims and mean |log2 ratio| are of the dims of fields (a dropped field counts as half a number); where the rows of a field have different dims, the numbers that two seeds share are given instead (kept by both over kept by either). Fewer than 5 seeds say little.</p>
<div class="scroll" data-table="stability"><table>${tableHead([
    ["method"],
    ["budget"],
    ["seeds", true],
    ["equal dims", true],
    ["mean |log2 ratio|", true],
    ["rank correlation", true],
    ["numbers shared", true],
  ])}<tbody>${stability.map(
    (line) =>
      html`<tr>${cell(line.method)}${cell(line.budget)}${cell(String(line.runs), line.runs)}${cell(share(line.agreement), line.agreement)}${cell(fixed(line.meanAbsLog2Ratio), line.meanAbsLog2Ratio)}${cell(fixed(line.rankCorrelation), line.rankCorrelation)}${cell(share(line.shared), line.shared)}</tr>`,
  )}</tbody></table></div></section>`;
}

export function timesSection({ points }: Study): Markup {
  const phases = ["base", "search", "train", "evaluate"];
  const others = points.some((point) => Object.keys(point.seconds).some((name) => !phases.includes(name)));
  const names: Record<string, string> = {
    base: "base model, where the search needs one",
    search: "search (for all budgets together)",
    train: "training under the scheme",
    evaluate: "evaluation",
    other: "other phases",
  };
  return html`<section class="card"><h3>Time of each phase</h3>
<div class="legend">${[...phases, ...(others ? ["other"] : [])].map(
    (name) =>
      html`<span><span class="swatch" style="background:var(--phase-${name})"></span>${names[name]!}</span>`,
  )}</div>
<p class="soft">Wall-clock time, mean over seeds: what else the machine did meanwhile counts too. A search is shown in full at each of its budgets.</p>
<figure><div data-chart="times" data-label="Seconds of each phase, by method and budget"></div></figure></section>`;
}

export function rowsSection(study: Study): Markup {
  const kinds = new Map(study.methods.map(({ name, kind }) => [name, kind]));
  const fixed = (value: number | undefined) =>
    cell(value === undefined ? "-" : value.toFixed(4), value ?? null);
  const best = ({ config: { bestEpoch, epochs } }: ResultRow) =>
    typeof bestEpoch === "number" && typeof epochs === "number"
      ? cell(`${bestEpoch + 1} of ${epochs}`, bestEpoch + 1)
      : cell("-", null);
  const line = (row: ResultRow) => {
    const total = Object.values(row.seconds).reduce((a, b) => a + b, 0);
    const { serve, train, uniform } = row.bytes;
    return html`<tr>${cell(row.method)}${cell(kinds.get(row.method) ?? "")}${cell(row.budget ?? "-")}${cell(String(row.seeds.run ?? "-"), row.seeds.run ?? null)}${fixed(row.metrics.test?.auc)}${fixed(row.metrics.test?.logloss)}${fixed(row.metrics.valid?.auc)}${cell(formatCount(row.parameters), row.parameters)}${cell(formatBytes(serve), serve)}${cell(formatBytes(train), train)}${cell(serve > 0 ? formatRatio(uniform / serve) : "-", serve > 0 ? uniform / serve : null)}${cell(formatSeconds(total), total)}${best(row)}${cell(typeof row.config.scheme === "string" ? row.config.scheme : "-")}${cell(row.engine)}${cell(row.date.slice(0, 16).replace("T", " "))}</tr>`;
  };
  const select = (label: string, column: number, values: readonly string[]) =>
    html`<label>${label} <select data-column="${column}"><option value="">all</option>${values.map(
      (value) => html`<option value="${value}">${value}</option>`,
    )}</select></label>`;
  return html`<section class="card" data-table="rows"><h3>All rows</h3>
<div class="controls"><label>Find <input type="search" placeholder="any text"></label>${select(
    "method",
    0,
    study.methods.map(({ name }) => name),
  )}${select("budget", 2, study.budgets)}<output></output></div>
<div class="scroll tall" tabindex="0"><table>${tableHead([
    ["method"],
    ["kind"],
    ["budget"],
    ["seed", true],
    ["test AUC", true],
    ["logloss", true],
    ["valid AUC", true],
    ["parameters", true],
    ["bytes", true],
    ["in training", true],
    ["saving", true],
    ["time", true],
    ["best epoch", true],
    ["scheme"],
    ["engine"],
    ["date (UTC)"],
  ])}<tbody>${study.rows.map(line)}</tbody></table></div></section>`;
}

export function provenanceSection({ provenance: p, datasetHash, dataset, synthetic, model }: Study): Markup {
  const line = (title: string, content: Content) => html`<dt>${title}</dt><dd>${content}</dd>`;
  return html`<section class="card"><h3>How it was made</h3><dl>
${line("data", html`${dataset}${synthetic ? " (synthetic: generated, with a planted truth)" : ""}, hash <code>${datasetHash.slice(0, 16)}</code>`)}
${line("base model", model)}
${line(
  "commands",
  p.commands.map((command) => html`<pre>${command}</pre>`),
)}
${line("seeds", p.seeds.join(", "))}
${line("engine and adapter", p.engines.join("; "))}
${line("versions", p.versions.join("; "))}
${line("trained", `${p.from.slice(0, 16).replace("T", " ")} to ${p.to.slice(0, 16).replace("T", " ")} UTC`)}
${line("run folders", p.folders.join(", "))}</dl>
<details><summary>Model, training and searcher settings</summary><pre>${JSON.stringify({ model: p.model, train: p.train, searchers: p.searchers }, null, 1)}</pre></details></section>`;
}
