/** A model from its exported folder, for scoring on our own engine. Narrow numbers are widened when it is loaded. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Columns } from "@trimtab/data";
import { type EmbeddingTables, restoreTables } from "@trimtab/embeddings";
import { Model } from "@trimtab/models";
import { Scorer } from "@trimtab/search-core";
import { type Device, restoreVariables } from "@trimtab/tensor-core";
import { ExportFolderError } from "./errors.ts";
import { readFolder } from "./files/folder.ts";
import { EMBEDDINGS, type ExportManifest, NETWORK } from "./files/manifest.ts";
import { asStored, decodeExported } from "./files/safetensors.ts";
import { widen } from "./precision/quantise.ts";
import { infoOf, type RawRow, RawRows } from "./raw-rows.ts";

export interface OpenExportOptions {
  readonly device: Device;
  /** Rows a scoring step; default 1024. */
  readonly scoreBatch?: number;
  /** "size" leaves checksums out, for very large folders; default "full". */
  readonly verify?: "full" | "size";
}

export class ExportedModel {
  readonly folder: string;
  readonly manifest: ExportManifest;
  readonly model: Model;
  readonly #scorer: Scorer;
  #raw: RawRows | undefined;

  private constructor(folder: string, manifest: ExportManifest, model: Model, scorer: Scorer) {
    this.folder = folder;
    this.manifest = manifest;
    this.model = model;
    this.#scorer = scorer;
  }

  /** @throws ExportFolderError naming the file that is missing, damaged or altered */
  static async open(folder: string, options: OpenExportOptions): Promise<ExportedModel> {
    const { device, scoreBatch = 1024, verify } = options;
    const manifest = readFolder(folder, { verify });
    const tables = tablesOf(device, folder, manifest);
    let model: Model | undefined;
    try {
      // the bare constructor: first values would go over what was loaded
      model = new Model(device, manifest.model, tables.scheme, tables);
      const rest = new Map([...model.state].filter(([name]) => !tables.state.has(name)));
      const path = join(folder, NETWORK);
      const file = widen(decodeExported(readFileSync(path), path));
      restoreVariables(rest, { tensors: asStored(file, path), metadata: {} }, path);
      const scorer = await Scorer.make(device, model, manifest.fields.map(infoOf), scoreBatch);
      return new ExportedModel(folder, manifest, model, scorer);
    } catch (reason) {
      if (model) model.dispose();
      else tables.dispose();
      throw reason;
    }
  }

  /** Logits of rows of ids. */
  score(columns: Columns): Promise<Float32Array> {
    return this.#scorer.logits(columns);
  }

  /** Logits of rows of raw values. Throws RawRowError, and ExportFolderError where vocabularies were left out. */
  async scoreRaw(rows: readonly RawRow[]): Promise<Float32Array> {
    this.#raw ??= new RawRows(this.folder, this.manifest);
    return await this.#scorer.logits(this.#raw.encode(rows));
  }

  async dispose(): Promise<void> {
    await this.#scorer.close();
    this.model.dispose();
  }
}

/** Opens an exported folder. Throws ExportFolderError. */
export function openExport(folder: string, options: OpenExportOptions): Promise<ExportedModel> {
  return ExportedModel.open(folder, options);
}

function tablesOf(device: Device, folder: string, { fields }: ExportManifest): EmbeddingTables {
  const path = join(folder, EMBEDDINGS);
  const file = widen(decodeExported(readFileSync(path), path));
  const tables = restoreTables(device, { tensors: asStored(file, path), metadata: file.metadata }, path);
  const told = JSON.stringify(fields.map(({ name, rows, slots }) => [name, rows, slots]));
  if (told === JSON.stringify(tables.scheme.fields.map(({ name, rows, slots }) => [name, rows, slots])))
    return tables;
  tables.dispose();
  throw new ExportFolderError(`${path}: is of other fields than the manifest's; export the model again.`);
}
