/** Saliency for people: one line a field. */
import { renderTable } from "@trimtab/eval";
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
  const rows = order.map(({ f, total }) => ({
    field: fields[f]!.name,
    features: String(fields[f]!.rows),
    share: `${(total * 100).toFixed(2)}%`,
    dims: saliency[f]!.map((v) => LEVELS[Math.ceil((v / largest) * (LEVELS.length - 1))]).join(""),
    ...Object.fromEntries(kept.map((k) => [k.budget, String(k.kept[f]!.length)])),
  }));
  return renderTable(
    rows as Record<string, string>[],
    [
      { key: "field", title: "field" },
      { key: "features", title: "features", align: "right" },
      { key: "share", title: "saliency", align: "right" },
      { key: "dims", title: "by dim" },
      ...kept.map((k) => ({ key: k.budget, title: `dim at ${k.budget}`, align: "right" as const })),
    ] as never,
  );
}
