/** One small prepared log with fields of every kind, made once for the tests of this process. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Dataset, openDataset, prepare } from "@trimtab/data";
import type { RawRow } from "../../src/index.ts";
import { randomOf } from "./setting.ts";

export interface Log {
  readonly folder: string;
  readonly data: Dataset;
  /** The rows of the log, by split: train, valid, test. */
  readonly rows: readonly RawRow[];
}

export const COUNTS = [240, 120, 60] as const;

let made: Promise<Log> | undefined;

export function log(): Promise<Log> {
  made ??= make();
  return made;
}

async function make(): Promise<Log> {
  const folder = mkdtempSync(join(tmpdir(), "trimtab-export-test-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const random = randomOf(3);
  const pick = (n: number) => Math.floor(n * random() ** 2);
  const rows = Array.from({ length: 420 }, (): RawRow & { readonly click: number } => {
    const tags = Array.from({ length: pick(5) }, () => `t${pick(8)}`);
    return {
      click: random() < 0.4 ? 1 : 0,
      user: random() < 0.05 ? "" : `u${pick(60)}`,
      item: `i${pick(90)}`,
      tags: tags.join("|"),
      price: random() < 0.1 ? "" : String(Math.round(1000 * random()) / 10),
      count: String(pick(400) - 3),
      age: String(pick(70)),
    };
  });
  const names = ["click", "user", "item", "tags", "price", "count", "age"] as const;
  const csv = join(folder, "log.csv");
  const text = rows.map((row) => names.map((name) => row[name]).join(","));
  writeFileSync(csv, `${[names.join(","), ...text].join("\n")}\n`);
  const schema = join(folder, "schema-of-log.json");
  const [train, valid, test] = COUNTS;
  writeFileSync(
    schema,
    JSON.stringify({
      label: "click",
      fields: [
        { name: "user", minCount: 2 },
        { name: "item" },
        { name: "tags", kind: "multi", separator: "|", maxValues: 3 },
        { name: "price", kind: "numeric", buckets: { by: "quantiles", count: 6 } },
        { name: "count", kind: "numeric", buckets: { by: "log2" } },
        { name: "age", kind: "numeric", buckets: { by: "edges", edges: [18, 30, 50] } },
      ],
      split: { by: "rows", counts: [train, valid, test] },
    }),
  );
  const out = join(folder, "log.trimtab");
  await prepare(csv, { out, schema });
  return { folder, data: await openDataset(out), rows };
}

export const jsonOf = (...path: string[]) => JSON.parse(readFileSync(join(...path), "utf8"));
