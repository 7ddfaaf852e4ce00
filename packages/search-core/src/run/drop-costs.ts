/**
 * What each field is worth to a trained base model: validation AUC where the field's embeddings are read as zeros. Nothing is
 * retrained, and first-order weights stay, as they do under a scheme that drops the field. One scoring pass a field.
 */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Columns, type Dataset, sampleRows } from "@trimtab/data";
import { DenseTables } from "@trimtab/embeddings";
import { evaluate } from "@trimtab/eval";
import type { Model } from "@trimtab/models";
import type { Device } from "@trimtab/tensor-core";
import { z } from "zod";
import { RunFolderError } from "../errors.ts";
import { Scorer } from "../training/scorer.ts";
import { readJson, writeJson } from "./files.ts";

/** More rows would hardly make differences of the same rows any surer. */
const ROWS = 50_000;

const dropCostsSchema = z.strictObject({
  version: z.literal(1),
  /** Hash of what fixes the base model. */
  key: z.string(),
  seed: z.int().nonnegative(),
  split: z.literal("valid"),
  /** Rows that were scored, spread over the split. */
  rows: z.int().positive(),
  /** Of the whole base model on these rows. */
  auc: z.number(),
  fields: z.array(z.strictObject({ name: z.string(), auc: z.number() })),
});

export type DropCosts = Readonly<z.output<typeof dropCostsSchema>>;

export interface DropCostOptions {
  readonly device: Device;
  /** Trained, with dense tables. Its tables are changed while this works, and are as before afterwards. */
  readonly model: Model;
  readonly fields: Dataset["fields"];
  /** The validation split. */
  readonly valid: Columns;
  /** Rows a scoring step. */
  readonly scoreBatch: number;
  readonly onField?: (done: number, total: number) => void;
}

/** Throws TypeError for tables that are not dense. */
export async function dropCosts(
  options: DropCostOptions,
): Promise<Pick<DropCosts, "rows" | "auc" | "fields">> {
  const { device, model, fields, scoreBatch, onField } = options;
  const { tables } = model;
  if (!(tables instanceof DenseTables)) {
    throw new TypeError(
      `dropCosts: the tables are of a "${tables.scheme.kind}" scheme; give the base model.`,
    );
  }
  const sample = sampleRows(options.valid, ROWS);
  const scorer = await Scorer.make(device, model, fields, Math.min(scoreBatch, sample.rows));
  const auc = async () => evaluate({ logits: await scorer.logits(sample), labels: sample.labels }).auc;
  try {
    const whole = await auc();
    const out: { name: string; auc: number }[] = [];
    for (const [f, { name, rows }] of fields.entries()) {
      const place = tables.placeOf(f);
      if (place === undefined) {
        out.push({ name, auc: whole });
        continue;
      }
      const { table, group } = place.part;
      const [from, size] = [place.base * group.dim, rows * group.dim];
      const before = await table.read(from, size);
      table.write(new Float32Array(size), from);
      try {
        out.push({ name, auc: await auc() });
      } finally {
        table.write(before, from);
      }
      onField?.(out.length, fields.length);
    }
    return { rows: sample.rows, auc: whole, fields: out };
  } finally {
    await scorer.close();
  }
}

const fileOf = (folder: string, seed: number) => join(folder, "fields", `seed-${seed}.json`);

export function storeDropCosts(folder: string, costs: Omit<DropCosts, "version" | "split">): void {
  mkdirSync(join(folder, "fields"), { recursive: true });
  writeJson(fileOf(folder, costs.seed), dropCostsSchema.parse({ version: 1, split: "valid", ...costs }));
}

/** What is stored for a seed; undefined where nothing is, or where it cannot be read: it is measured again. */
export function recallDropCosts(folder: string, seed: number): DropCosts | undefined {
  const path = fileOf(folder, seed);
  if (!existsSync(path)) return undefined;
  try {
    return readJson(path, dropCostsSchema);
  } catch (reason) {
    if (reason instanceof RunFolderError) return undefined;
    throw reason;
  }
}
