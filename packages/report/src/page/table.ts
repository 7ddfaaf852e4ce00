/** Sorts and filters the table of all rows, which is there without any script. */

export function liveTable(root: HTMLElement): void {
  const table = root.querySelector("table");
  const body = table?.tBodies[0];
  if (!table || !body) return;
  const heads = [...table.querySelectorAll<HTMLElement>("thead th")];
  for (const [column, head] of heads.entries()) {
    head.querySelector("button")?.addEventListener("click", () => {
      const falling = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      const rows = [...body.rows].sort((a, b) => compare(a.cells[column]!, b.cells[column]!, falling));
      body.append(...rows);
    });
  }
  const text = root.querySelector<HTMLInputElement>("input[type=search]");
  const selects = [...root.querySelectorAll<HTMLSelectElement>("select[data-column]")];
  const count = root.querySelector("output");
  const filter = () => {
    const words = (text?.value ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of body.rows) {
      const content = (row.textContent ?? "").toLowerCase();
      const fits =
        words.every((word) => content.includes(word)) &&
        selects.every(
          ({ value, dataset }) => value === "" || row.cells[Number(dataset.column)]!.dataset.v === value,
        );
      row.hidden = !fits;
      if (fits) shown++;
    }
    if (count) count.textContent = `${shown} of ${body.rows.length} rows`;
  };
  text?.addEventListener("input", filter);
  for (const select of selects) select.addEventListener("change", filter);
  filter();
}

/** Numbers as numbers, texts as texts; what is not there comes last either way. */
function compare(a: HTMLElement, b: HTMLElement, falling: boolean): number {
  const [x, y] = [a.dataset.v ?? "", b.dataset.v ?? ""];
  if (x === "" || y === "") return Number(x === "") - Number(y === "");
  const [m, n] = [Number(x), Number(y)];
  const order = Number.isNaN(m) || Number.isNaN(n) ? x.localeCompare(y, "en", { numeric: true }) : m - n;
  return falling ? -order : order;
}
