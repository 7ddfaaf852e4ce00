/** Saliency for people: one line a field. */
import { type Column, formatCount, formatShare, renderTable } from "@trimtab/eval";
import type { Kept } from "./allocate.ts";

const LEVELS = " ▁▂▃▄▅▆▇█";

/** Share of the whole saliency by field, a bar for every dim (relative to the largest slot), and the dims kept. */
export function saliencyTable(
  fields: readonly { readonly name: string; readonly rows: number }[],
  saliency: readonly (readonly number[])[],
  kept: readonly { readonly budget: string; readonly kept: Kept }[] = [],
): string {
  const largest = Math.max(...saliency.flat(), Number.MIN_VALUE);
  const order = saliency
    .map((values, f) => ({ f, total: values.reduce((a, b) => a + b, 0) }))
    .sort((a, b) => b.total - a.total || a.f - b.f);
  const columns: Column<{ f: number; total: number }>[] = [
    { title: "field", value: ({ f }) => fields[f]!.name },
    { title: "features", value: ({ f }) => formatCount(fields[f]!.rows), align: "right" },
    { title: "saliency", value: ({ total }) => formatShare(total), align: "right" },
    {
      title: "by dim",
      value: ({ f }) => saliency[f]!.map((v) => LEVELS[Math.ceil((v / largest) * 8)]).join(""),
    },
    ...kept.map((k) => ({
      title: `dim at ${k.budget}`,
      value: ({ f }: { f: number }) => String(k.kept[f]!.length),
      align: "right" as const,
    })),
  ];
  return renderTable(order, columns);
}
