/** A report as one HTML file: script, style and data inlined, nothing fetched. */
import { createHash } from "node:crypto";
import { acrossSection, contentsSection } from "./across-section.ts";
import { script, style } from "./assets.ts";
import { droppedSection } from "./dropped-section.ts";
import type { Licence } from "./licences.ts";
import { looksOf } from "./looks.ts";
import { type Content, embeddedJson, html, Markup } from "./markup.ts";
import type { Report, Study } from "./model.ts";
import { DATA_ID, type PageData } from "./page/data.ts";
import {
  dimsSection,
  frontSection,
  missingSection,
  provenanceSection,
  rowsSection,
  stabilitySection,
  timesSection,
  verdictSection,
} from "./sections.ts";

/** Throws PageError where the page's script cannot be bundled. */
export async function reportHtml(report: Report): Promise<string> {
  const { code, licences } = await script();
  // only this one script may run, and nothing may be fetched: a name that got through the escaping would still be harmless
  const hash = createHash("sha256").update(code).digest("base64");
  const policy = `default-src 'none'; script-src 'sha256-${hash}'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'`;
  const { studies, synthetic, created } = report;
  const several = studies.length > 1;
  const titles = several ? `${studies.length} studies` : studies[0]!.title;
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${titles} - Trimtab report</title>
<link rel="icon" href="data:,">
<style>${new Markup(style())}</style></head>
<body>
<header><h1>Trimtab report</h1>${synthetic ? html`<span class="mark warn">synthetic data</span>` : null}<p>${created.slice(0, 16).replace("T", " ")} UTC</p><button type="button" id="theme" hidden>Dark</button></header>
<main>
${several ? [contentsSection(report), acrossSection(report)] : null}
<noscript><p class="mark warn">Charts need JavaScript; tables and verdicts are below without it.</p></noscript>
${studies.map((study) => studySection(study, several))}
${footer(licences)}
</main>
<script type="application/json" id="${DATA_ID}">${embeddedJson(pageData(report))}</script>
<script>${new Markup(code)}</script>
</body></html>
`;
  return page.text;
}

/** Parts of a study, in order: what its links are called, and how each is made. */
const PARTS: readonly (readonly [part: string, title: string, make: (study: Study) => Content])[] = [
  ["verdicts", "Verdicts", verdictSection],
  ["missing", "Missing", missingSection],
  ["quality", "Quality and size", frontSection],
  ["numbers", "Where the numbers are", dimsSection],
  ["dropped", "Dropped fields", droppedSection],
  ["stability", "Stability", stabilitySection],
  ["times", "Time", timesSection],
  ["rows", "All rows", rowsSection],
  ["made", "How it was made", provenanceSection],
];

function studySection(study: Study, several: boolean): Markup {
  const { id, title, synthetic, rows, provenance, points } = study;
  const base = points.find(({ method }) => method === "base")?.auc;
  const noise = base?.sd ? ` ± ${base.sd.toFixed(4)}` : "";
  const parts = PARTS.map(([part, name, make]) => [part, name, make(study)] as const).filter(
    ([, , content]) => content !== null,
  );
  return html`<article id="${id}"><h2>${title}${synthetic ? html` <span class="mark warn">synthetic</span>` : null}</h2>
<p class="soft">${rows.length} finished trainings, ${provenance.seeds.length === 1 ? "one seed" : `${provenance.seeds.length} seeds`}${base ? `; the base model reaches test AUC ${base.mean.toFixed(4)}${noise}` : ""}.</p>
<nav class="parts" aria-label="parts of ${title}">${several ? html`<a href="#contents">↑ Contents</a>` : null}${parts.map(
    ([part, name]) => html`<a href="#${id}-${part}">${name}</a>`,
  )}</nav>
${parts.map(([part, , content]) => html`<div id="${id}-${part}">${content}</div>`)}
</article>`;
}

function footer(licences: readonly Licence[]): Markup {
  const count = licences.reduce((n, { packages }) => n + packages.length, 0);
  return html`<footer><p>Written by trimtab. Observable Plot draws the charts, with parts of D3.</p>
<details id="licences"><summary>Licences of the ${count} packages whose code is in this page, or was built into one that is</summary>${licences.map(
    ({ packages, text }) => html`<h4>${packages.join(", ")}</h4><pre>${text}</pre>`,
  )}</details></footer>`;
}

/** Digits that a chart could show; more of them would only make the page larger. */
const DIGITS = 6;

function pageData({ studies }: Report): PageData {
  const short = (_: string, value: unknown) =>
    typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(DIGITS)) : value;
  const looks = looksOf(studies);
  const data: PageData = {
    studies: studies.map(({ id, methods, budgets, points, fields }) => ({
      id,
      looks,
      methods,
      budgets,
      points,
      fields: fields.map(({ name, occurrences }) => ({ name, occurrences })),
    })),
  };
  return JSON.parse(JSON.stringify(data, short));
}
