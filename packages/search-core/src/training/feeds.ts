/** From a batch of the data package to the feeds of a program. */
import type { Batch } from "@trimtab/data";
import { placesOf } from "@trimtab/embeddings";
import type { Feeds, HostArray } from "@trimtab/tensor-core";

const PLAN_ARRAYS = ["sorted", "rows", "offsets", "pieceOffsets", "pieceFrom", "pieceTo"] as const;

/** The feeds a program asks for (`needs`), taken from a batch and from `extra`. */
export function batchFeeds(batch: Batch, needs: ReadonlySet<string>, extra: Feeds = {}): Feeds {
  const feeds: Record<string, Feeds[string]> = { ...extra };
  const put = (name: string, value: Feeds[string] | undefined) => {
    if (value !== undefined && needs.has(name)) feeds[name] = value;
  };
  put("labels", batch.labels);
  for (const table of batch.tables) {
    put(`${table.name}.ids`, table.ids);
    put(`${table.name}.weights`, table.weights);
    if (!table.plan) continue;
    for (const part of PLAN_ARRAYS) put(`${table.name}.${part}`, table.plan[part]);
    const places = `${table.name}.places`;
    if (needs.has(places)) feeds[places] = placesOf(table.plan, new Uint32Array(table.ids.length));
    put(`${table.name}.count`, table.plan.count);
    put(`${table.name}.pieceCount`, table.plan.pieceCount);
  }
  return feeds;
}

/** The same feeds lengthened with zeros to a batch of `rows` rows: for the last, shorter batch of a scoring pass. */
export function padFeeds(feeds: Feeds, have: number, rows: number): Feeds {
  const padded: Record<string, Feeds[string]> = {};
  for (const [name, value] of Object.entries(feeds)) {
    if (typeof value === "number") padded[name] = value;
    else {
      const longer = new (value.constructor as new (n: number) => HostArray)((value.length / have) * rows);
      longer.set(value);
      padded[name] = longer;
    }
  }
  return padded;
}
