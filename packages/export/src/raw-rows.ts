/** Raw values of a log to ids, by the rules and vocabularies of an exported folder: what `prepare` does, for rows that come later. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Columns, FieldInfo } from "@trimtab/data";
import { z } from "zod";
import { ExportFolderError, RawRowError } from "./errors.ts";
import type { ExportField, ExportManifest } from "./files/manifest.ts";

/** One row: values by field name. null, undefined and "" are missing; fields made of a column by a rule are given as made ("17" for an hour). */
export type RawRow = Readonly<Record<string, string | number | null | undefined>>;

const NO_VALUE = 0xffffffff;

export class RawRows {
  readonly #fields: readonly ExportField[];
  readonly #ids: readonly ReadonlyMap<string, number>[];

  /** Reads the vocabularies of a folder. Throws ExportFolderError where it has none. */
  constructor(folder: string, manifest: ExportManifest) {
    this.#fields = manifest.fields;
    this.#ids = manifest.fields.map(({ name, vocabulary }) => {
      if (vocabulary === null) {
        throw new ExportFolderError(
          `${folder}: has no vocabulary of field "${name}", it refers to the dataset ${manifest.dataset.name}; ` +
            "export with vocabularies, or make ids with that dataset.",
        );
      }
      const path = join(folder, vocabulary);
      const values = z.array(z.string().nullable()).safeParse(JSON.parse(readFileSync(path, "utf8")));
      if (!values.success)
        throw new ExportFolderError(`${path}: is no list of texts; export the model again.`);
      return new Map(values.data.flatMap((value, id) => (value === null ? [] : [[value, id] as const])));
    });
  }

  /** The rows as columns of ids, as `score` takes them; labels are zero. Throws RawRowError for a value that a field cannot have. */
  encode(rows: readonly RawRow[]): Columns {
    const ids = this.#fields.map((field, f) => {
      const out = new Uint32Array(rows.length * field.slots).fill(NO_VALUE);
      rows.forEach((row, r) => {
        out.set(this.#encode(row[field.name] ?? null, field, f, r), r * field.slots);
      });
      return out;
    });
    return { rows: rows.length, labels: new Float32Array(rows.length), ids };
  }

  #encode(raw: string | number | null, field: ExportField, f: number, row: number): number[] {
    const known = this.#ids[f]!;
    const missing = (): number[] => {
      if (field.missing !== null) return [field.missing];
      throw new RawRowError(
        `row ${row}: field "${field.name}" has no value, and its rule refuses that; give one.`,
      );
    };
    if (raw === null || raw === "") return missing();
    if (field.kind === "multi") {
      const values = String(raw)
        .split(field.separator ?? "|")
        .map((value) => value.trim())
        .filter((value) => value !== "");
      if (values.length === 0) return missing();
      return [...new Set(values.map((value) => known.get(value) ?? 0))].slice(0, field.slots);
    }
    if (field.kind === "categorical") return [known.get(String(raw)) ?? 0];
    const number = typeof raw === "number" ? raw : Number(raw.trim() === "" ? "no number" : raw);
    if (!Number.isFinite(number)) {
      throw new RawRowError(
        `row ${row}: field "${field.name}" is numeric and has ${JSON.stringify(raw)}; give a finite number.`,
      );
    }
    return [known.get(bucketOf(number, field.buckets)) ?? 0];
  }
}

/** The bucket's name in the vocabulary. */
export function bucketOf(v: number, buckets: ExportField["buckets"]): string {
  if (buckets?.by === "log2")
    return String(v > 2 ? Math.floor(Math.log(v) * Math.log(v)) : Math.floor(v) - 2);
  const edges = buckets?.edges ?? [];
  const at = edges.findIndex((edge) => v <= edge);
  return String(at < 0 ? edges.length : at);
}

export function infoOf({ name, kind, rows, slots }: ExportField): FieldInfo {
  return { name, kind, rows, slots };
}
