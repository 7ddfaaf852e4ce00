/** The page's own script: draws the charts of each study, and draws them again where the width or a choice changes. */
import { type By, fieldDims, popularity } from "./curves.ts";
import { DATA_ID, type PageData, type PageStudy } from "./data.ts";
import { type Cost, front, sample } from "./front.ts";
import { heat } from "./heat.ts";
import { DrawQueue } from "./queue.ts";
import { liveTable } from "./table.ts";
import { themeSwitch } from "./theme.ts";
import { times } from "./times.ts";

const queue = new DrawQueue(() => {
  document.documentElement.dataset.drawn = "true";
});

class StudyCharts {
  readonly #study: PageStudy;
  readonly #root: HTMLElement;
  readonly #hidden = new Set<string>();
  #budget: string;
  #field: string | null = null;
  #by: By = "tenths";

  constructor(study: PageStudy, root: HTMLElement) {
    this.#study = study;
    this.#root = root;
    const budget = root.querySelector<HTMLSelectElement>("select[data-budget]");
    const field = root.querySelector<HTMLSelectElement>("select[data-field]");
    this.#budget = budget?.value ?? "";
    budget?.addEventListener("change", () => {
      this.#budget = budget.value;
      this.draw();
    });
    const by = root.querySelector<HTMLSelectElement>("select[data-by]");
    if (by) this.#by = by.value as By;
    by?.addEventListener("change", () => {
      this.#by = by.value as By;
      this.draw();
    });
    field?.addEventListener("change", () => {
      this.#field = field.value === "" ? null : field.value;
      this.draw();
    });
    for (const box of root.querySelectorAll<HTMLInputElement>("input[data-method]")) {
      const method = box.dataset.method!;
      box.addEventListener("change", () => {
        if (box.checked) this.#hidden.delete(method);
        else this.#hidden.add(method);
        this.draw();
      });
    }
    for (const place of root.querySelectorAll<HTMLElement>("[data-sample]"))
      place.replaceChildren(sample(study, place.dataset.sample!));
    for (const table of root.querySelectorAll<HTMLElement>("[data-table]")) liveTable(table);
    let width = Math.round(root.getBoundingClientRect().width);
    new ResizeObserver(([entry]) => {
      // a chart that changes the page's height must not be drawn for it
      const now = Math.round(entry!.contentRect.width);
      if (now === width) return;
      width = now;
      this.drawSoon();
    }).observe(root);
  }

  drawSoon(): void {
    for (const place of this.#places()) queue.add(place, () => this.#drawIn(place));
  }

  draw(): void {
    for (const place of this.#places()) this.#drawIn(place);
  }

  #places(): NodeListOf<HTMLElement> {
    return this.#root.querySelectorAll<HTMLElement>("[data-chart]");
  }

  #drawIn(place: HTMLElement): void {
    const width = Math.max(240, Math.floor(place.clientWidth));
    const chart = this.#chart(place.dataset.chart!, width);
    chart?.setAttribute("role", "img");
    chart?.setAttribute("aria-label", place.dataset.label ?? "");
    place.replaceChildren(chart ?? note("Nothing to draw here yet."));
  }

  #chart(name: string, width: number): Element | undefined {
    const [study, hidden] = [this.#study, this.#hidden];
    if (name === "heat") return heat(study, this.#budget, width);
    const chosen = { budget: this.#budget, field: this.#field, by: this.#by };
    if (name === "popularity") return popularity(study, chosen, width, hidden);
    if (name === "field-dims") return fieldDims(study, this.#budget, width, hidden);
    if (name === "times") return times(study, width, hidden);
    return front(study, name as Cost, width, hidden);
  }
}

function note(text: string): HTMLElement {
  const line = document.createElement("p");
  line.className = "empty";
  line.textContent = text;
  return line;
}

const button = document.querySelector<HTMLButtonElement>("#theme");
if (button) themeSwitch(button);
for (const table of document.querySelectorAll<HTMLElement>("main > [id] [data-table]")) {
  if (!table.closest("article")) liveTable(table);
}
const { studies } = JSON.parse(document.getElementById(DATA_ID)!.textContent!) as PageData;
for (const study of studies) {
  const root = document.getElementById(study.id);
  if (root) new StudyCharts(study, root).drawSoon();
}
