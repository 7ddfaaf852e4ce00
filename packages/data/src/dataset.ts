// A dataset folder, opened: manifest checked, files checked, splits loaded on demand.

import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Columns, FieldInfo } from "./columns.ts";
import { Duck, text } from "./duck.ts";
import { DatasetFolderError, MissingFileError, nearest } from "./errors.ts";
import { hashOf, MANIFEST, type Manifest, manifestSchema, type SplitName, VERSION } from "./manifest.ts";
import { loadSplit } from "./reader.ts";
import { sha256Of } from "./source/files.ts";

/** One row of a field's table, as a person knows it. */
export interface VocabularyEntry {
  id: number;
  /** null for row 0 and for the missing value's own row. */
  value: string | null;
  kind: "oov" | "missing" | "value";
  /** Training rows with it; null for row 0 of a multi-valued field. */
  count: number | null;
}

/** A prepared dataset. */
export class Dataset {
  /** Per field: name, kind, rows of its table (n_f, row 0 included), ids a data row. */
  readonly fields: readonly FieldInfo[];

  private constructor(
    readonly folder: string,
    readonly manifest: Manifest,
  ) {
    this.fields = manifest.fields.map(({ name, kind, rows, slots }) => ({ name, kind, rows, slots }));
  }

  /** Names the dataset in every result. */
  get hash(): string {
    return this.manifest.hash;
  }

  get name(): string {
    return this.manifest.name;
  }

  /**
   * Opens a dataset folder and checks it against its manifest.
   * @param options.verify "full" (default) hashes every file; "size" compares sizes only, for very large folders
   * @throws MissingFileError, DatasetFolderError
   */
  static async open(folder: string, options: { verify?: "full" | "size" } = {}): Promise<Dataset> {
    const found = await stat(folder).catch(() => null);
    if (!found) {
      throw new MissingFileError(
        "there is no such dataset folder",
        "Make it with prepare, or check the path",
        {
          file: folder,
        },
      );
    }
    const manifest = await readManifest(folder);
    for (const { file, bytes, sha256 } of manifest.files) {
      const path = join(folder, file);
      const info = await stat(path).catch(() => null);
      if (!info || info.size !== bytes) {
        throw new DatasetFolderError(
          info
            ? `the file has ${info.size} bytes, the manifest says ${bytes}`
            : "the manifest names this file, and it is not there",
          "The folder is half written or was altered: prepare the dataset again",
          { file: path },
        );
      }
      if (options.verify !== "size" && (await sha256Of(path)) !== sha256) {
        throw new DatasetFolderError(
          "the file's sha256 is not the manifest's",
          "The folder was altered: prepare the dataset again",
          { file: path },
        );
      }
    }
    return new Dataset(folder, manifest);
  }

  /**
   * Loads a split on shared memory.
   * @throws DatasetFolderError; IdRangeError naming field, row and id
   */
  async load(split: SplitName): Promise<Columns> {
    const part = this.manifest.splits[split];
    const duck = await Duck.open();
    try {
      const layout = { file: part.file, users: this.manifest.user !== undefined, fields: this.fields };
      return await loadSplit(duck, join(this.folder, part.file), layout, part.rows);
    } finally {
      duck.close();
    }
  }

  /**
   * Training rows in which each id occurs: a list a field, in the order of the fields, 4 bytes an id. 0 for row 0 of a multi-valued field,
   * which nobody counted.
   */
  async occurrences(): Promise<Uint32Array[]> {
    const duck = await Duck.open();
    try {
      const out: Uint32Array[] = [];
      for (const { rows, vocabulary } of this.manifest.fields) {
        const counts = new Uint32Array(rows);
        const file = text(join(this.folder, vocabulary));
        const sql = `SELECT CAST(id AS UINTEGER), CAST(coalesce(count, 0) AS UINTEGER) FROM read_parquet(${file})`;
        // tables may have millions of rows: no object for each
        for await (const chunk of duck.chunks(sql)) {
          const [ids, values] = [chunk.getColumnVector(0), chunk.getColumnVector(1)];
          for (let i = 0; i < chunk.rowCount; i++)
            counts[ids.getItem(i) as number] = values.getItem(i) as number;
        }
        out.push(counts);
      }
      return out;
    } finally {
      duck.close();
    }
  }

  /** The values behind a field's ids, row 0 first. @throws DatasetFolderError for an unknown field */
  async vocabulary(field: string): Promise<VocabularyEntry[]> {
    const found = this.manifest.fields.find(({ name }) => name === field);
    if (!found) {
      const names = this.fields.map(({ name }) => name);
      const near = nearest(field, names);
      throw new DatasetFolderError(
        `the dataset has no field "${field}"`,
        near ? `Did you mean "${near}"?` : `It has ${names.join(", ")}`,
        { file: this.folder },
      );
    }
    const duck = await Duck.open();
    try {
      const file = join(this.folder, found.vocabulary);
      const rows = await duck.rows<Record<"id" | "value" | "kind" | "count", string | number | null>>(
        `SELECT id, value, kind, count FROM read_parquet(${text(file)}) ORDER BY id`,
      );
      return rows as unknown as VocabularyEntry[];
    } finally {
      duck.close();
    }
  }
}

async function readManifest(folder: string): Promise<Manifest> {
  const file = join(folder, MANIFEST);
  const raw = await readFile(file, "utf8").catch(() => {
    throw new DatasetFolderError(
      "there is no manifest.json: this is not a dataset folder, or it was never finished",
      "Make it with prepare",
      { file: folder },
    );
  });
  let json: unknown;
  try {
    json = JSON.parse(raw);
  } catch {
    throw new DatasetFolderError("the manifest is not JSON", "Prepare the dataset again", { file });
  }
  const version = (json as { version?: unknown } | null)?.version;
  if (version !== VERSION) {
    throw new DatasetFolderError(
      `the manifest has version ${JSON.stringify(version)}, this program reads version ${VERSION}`,
      "Prepare the dataset again",
      { file },
    );
  }
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new DatasetFolderError(
      `the manifest is not valid (${issue?.path.join(".")}: ${issue?.message})`,
      "Prepare the dataset again",
      { file },
    );
  }
  if (hashOf(parsed.data) !== parsed.data.hash) {
    throw new DatasetFolderError("the dataset hash does not fit the manifest", "Prepare the dataset again", {
      file,
    });
  }
  return parsed.data;
}

/** The same as {@link Dataset.open}. */
export const openDataset = Dataset.open;
