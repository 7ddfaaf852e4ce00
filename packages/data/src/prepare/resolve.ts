// From what the user named (a file or a folder, a schema or nothing) to files and a schema.

import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { MissingFileError, SchemaError, UnknownSourceError } from "../errors.ts";
import { type Recipe, recipes } from "../recipes.ts";
import { type LogSchema, type LogSchemaInput, parseSchema } from "../schema.ts";

/** What prepare works on. */
export interface Job {
  name: string;
  schema: LogSchema;
  /** One file, or train, valid, test in this order (valid may be missing). */
  parts: { file: string; part: 0 | 1 | 2 }[];
  folder: string;
  recipe?: string;
  /** The generator's truth.json, when the log is synthetic. */
  truth?: string;
}

async function readJson(file: string): Promise<unknown> {
  const raw = await readFile(file, "utf8").catch(() => {
    throw new MissingFileError("there is no such schema file", "Check the path", { file });
  });
  try {
    return JSON.parse(raw);
  } catch (error) {
    throw new SchemaError(`is not JSON (${(error as Error).message})`, "Mend the file", { file });
  }
}

async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(() => null)) !== null;
}

// A file of that name that the generator did not write must not make real data look synthetic.
async function isTruth(file: string): Promise<boolean> {
  const json = await readFile(file, "utf8")
    .then((raw) => JSON.parse(raw) as { synthetic?: unknown; generator?: unknown } | null)
    .catch(() => null);
  return (
    json?.synthetic === true && typeof json.generator === "string" && json.generator.startsWith("trimtab")
  );
}

/** The recipe whose files the folder has, if any. */
export async function recognise(folder: string): Promise<Recipe | undefined> {
  const names = new Set(await readdir(folder).catch(() => [] as string[]));
  return recipes.find((recipe) => recipe.files.every((file) => names.has(file)));
}

/** @throws MissingFileError, UnknownSourceError, SchemaError */
export async function resolveJob(
  source: string,
  options: { schema?: string | LogSchemaInput | undefined; recipe?: string | undefined },
): Promise<Job> {
  const path = resolve(source);
  const found = await stat(path).catch(() => null);
  if (!found) {
    throw new MissingFileError("there is no such file or folder", "Check the path", { file: source });
  }
  const folder = found.isDirectory() ? path : dirname(path);
  const file = found.isDirectory() ? undefined : path;
  let recipe: Recipe | undefined;
  let schema: LogSchema | undefined;
  if (options.recipe !== undefined) {
    recipe = recipes.find(({ name }) => name === options.recipe);
    if (!recipe) {
      throw new UnknownSourceError(
        `there is no recipe "${options.recipe}"`,
        `The recipes are ${recipes.map(({ name }) => name).join(", ")}`,
      );
    }
  } else if (typeof options.schema === "string") {
    schema = parseSchema(await readJson(options.schema), options.schema);
  } else if (options.schema) {
    schema = parseSchema(options.schema);
  } else {
    const beside = [file && `${file}.schema.json`, join(folder, "schema.json")].filter(
      (f) => f !== undefined,
    );
    for (const candidate of beside) {
      if (schema || !candidate || !(await exists(candidate))) continue;
      schema = parseSchema(await readJson(candidate), candidate);
    }
    if (!schema) recipe = await recognise(folder);
  }
  if (recipe) schema = parseSchema(recipe.schema);
  if (!schema) {
    throw new UnknownSourceError(
      "there is no schema for this source, and it is not a set with a recipe",
      `Write a schema.json beside it, such as {"label": "click", "fields": [{"name": "user"}, {"name": "item"}]}. ` +
        `Recipes: ${recipes.map(({ name, files }) => `${name} (${files.join(", ")})`).join("; ")}`,
      { file: source },
    );
  }
  const truth = join(folder, "truth.json");
  const job: Job = {
    name:
      schema.name ??
      recipe?.name ??
      basename(path).replace(/(\.(csv|tsv|txt|parquet|libsvm|svm))?(\.gz)?$/i, ""),
    schema,
    parts: await partsOf(schema, folder, file, recipe !== undefined),
    folder,
  };
  if (recipe) job.recipe = recipe.name;
  if (await isTruth(truth)) job.truth = truth;
  return job;
}

async function partsOf(
  schema: LogSchema,
  folder: string,
  file: string | undefined,
  recipe: boolean,
): Promise<Job["parts"]> {
  const { files } = schema;
  if (typeof files === "object") {
    const parts: Job["parts"] = [{ file: join(folder, files.train), part: 0 }];
    if (files.valid) parts.push({ file: join(folder, files.valid), part: 1 });
    else if (schema.split?.by !== "files" || schema.split.valid === undefined) {
      throw new SchemaError(
        "there is no file for valid",
        'Name one in files, or draw it from train with "split": {"by": "files", "valid": 0.1}',
      );
    }
    parts.push({ file: join(folder, files.test), part: 2 });
    return parts;
  }
  if (schema.split?.by === "files") {
    throw new SchemaError(
      "split is by files, but files does not name train and test",
      "Name them in `files`",
    );
  }
  if (file && !recipe) return [{ file, part: 0 }];
  if (files) return [{ file: join(folder, files), part: 0 }];
  if (file) return [{ file, part: 0 }];
  const joined = new Set(schema.join.map((j) => j.file));
  const data = (await readdir(folder)).filter(
    (f) => /\.(csv|tsv|parquet|libsvm|svm)(\.gz)?$/i.test(f) && !joined.has(f),
  );
  if (data.length !== 1) {
    throw new SchemaError(
      `the folder has ${data.length} data files${data.length > 1 ? ` (${data.slice(0, 5).join(", ")})` : ""}`,
      "Name the file in the schema's `files`, or give the path of the file",
      { file: folder },
    );
  }
  return [{ file: join(folder, data[0] as string), part: 0 }];
}
