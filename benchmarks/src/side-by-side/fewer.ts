/**
 * `bun benchmarks/src/side-by-side/fewer.ts benchmarks/results [--into docs/results.md]`: methods at 80% of the parameters (`study.sh fewer`), a line a cell: test AUC of the
 * base model, and of each method what it gains over it, mean ± half the 95% interval over seeds. Bold: outside of the interval. In brackets
 * the share of the base model's numbers that its schemes have. With --into, the table replaces what is between the marks of that file.
 */
import { parseArgs } from "node:util";
import { advantages } from "@trimtab/search-core";
import { readTrials } from "../packed-trials.ts";
import { line, mean } from "../study-text.ts";
import { cellsOf, kindOf } from "./cells.ts";
import { replaceTables } from "./marks.ts";

const BUDGET = "80% parameters";
const METHODS = ["adass", "sseds", "dims-by-size", "smaller-dim"];

const { values, positionals } = parseArgs({ options: { into: { type: "string" } }, allowPositionals: true });
const [folder] = positionals;
if (!folder) {
  console.error("usage: fewer.ts FOLDER [--into FILE.md]");
  process.exit(2);
}
const packed = readTrials(folder).filter(({ budget }) => budget === BUDGET);
const lines = [line(["", "base", ...METHODS]), line(["---", "---", ...METHODS.map(() => "---")])];
for (const { dataset, model, rows } of cellsOf(folder)) {
  const base = rows.filter(({ method }) => method === "base");
  const own = packed.filter((row) => row.dataset === dataset && row.model === model);
  if (own.length === 0) continue;
  const cells = METHODS.map((method) => {
    const list = own.filter((row) => row.method === method);
    const gain = advantages([...base, ...list], method).find(({ other }) => other === "base");
    if (!gain) return "-";
    const used = mean(list.map(({ parameters }) => parameters)) / base[0]!.parameters;
    const text = `${gain.mean < 0 ? "-" : "+"}${Math.abs(gain.mean).toFixed(4)} ± ${gain.noise.toFixed(4)}`;
    const bold = gain.verdict === "within noise" ? "" : "**";
    const seeds = list.length < base.length ? `, ${list.length} seeds` : "";
    return `${bold}${text}${bold} (${Math.round(100 * used)}%${seeds})`;
  });
  const auc = mean(base.map(({ metrics }) => metrics.test!.auc)).toFixed(4);
  lines.push(line([`${dataset}, ${kindOf(model)}`, auc, ...cells]));
}
if (values.into === undefined) console.log(lines.join("\n"));
else replaceTables(values.into, "fewer.ts", lines.join("\n"));
