/** Tables of an element mask in a file: the arrays as they are served. The mask is in the index, not a second time in the header. */
import type { Device, HostArray, StoredTensor, TensorFile, Variable } from "@trimtab/tensor-core";
import { z } from "zod";
import { TablesError } from "../errors.ts";
import { fieldSchema } from "../fields.ts";
import { setBit, wordsOf } from "./bits.ts";
import { type ElementScheme, elements } from "./elements.ts";
import { unpackIndex } from "./index-arrays.ts";
import { ELEMENT_LAYOUTS } from "./layouts.ts";
import { ElementTables } from "./tables.ts";

/** The metadata key that says what kind of tables a file holds. */
export const ELEMENTS_KEY = "elements";

const VALUES = "values";

const headSchema = z.strictObject({
  fields: z.array(fieldSchema).min(1),
  dim: z.int().positive(),
  layout: z.enum(ELEMENT_LAYOUTS),
  /** Fields that have any number, in order. */
  held: z.array(z.int().nonnegative()),
});

/** `values` f32 [K] and the arrays of the layout u32 [n] by their names. */
export async function captureElements(tables: ElementTables): Promise<TensorFile> {
  const { fields, base, layout } = tables.scheme;
  const tensors = new Map<string, StoredTensor>();
  const put = async (name: string, v: Variable) => {
    tensors.set(name, { dtype: v.dtype, shape: [v.size], data: await v.read() });
  };
  if (tables.values) await put(VALUES, tables.values);
  for (const [name, v] of tables.index) await put(name, v);
  return { tensors, metadata: { [ELEMENTS_KEY]: headOf({ fields, base, layout }, tables.order) } };
}

/** What the tensors do not say of a mask; `held`: the fields that have any number. */
export function headOf(
  { fields, base, layout }: Pick<ElementScheme, "fields" | "base" | "layout">,
  held: number[],
): string {
  const head: z.input<typeof headSchema> = { fields: [...fields], dim: base, layout, held };
  return JSON.stringify(head);
}

/** Builds tables from such a file. Throws TablesError, naming `path`, where its parts contradict each other. */
export function restoreElements(
  device: Device,
  file: TensorFile,
  path: string,
  name: string | undefined,
): ElementTables {
  const values = file.tensors.get(VALUES)?.data ?? new Float32Array(0);
  const scheme = schemeOf(file, path, values.length);
  const tables = new ElementTables(device, scheme, name);
  try {
    tables.values?.write(values);
    return tables;
  } catch (reason) {
    tables.dispose();
    throw reason;
  }
}

/** The scheme that a file's head and index arrays say, for `numbers` values. Throws TablesError, naming `path`. */
export function schemeOf(file: TensorFile, path: string, numbers: number, key = ELEMENTS_KEY): ElementScheme {
  const fail = (why: string) => new TablesError(`${path}: ${why}; it is damaged.`);
  let json: unknown;
  try {
    json = JSON.parse(file.metadata[key] ?? "");
  } catch {
    throw fail("its mask is not JSON");
  }
  const parsed = headSchema.safeParse(json);
  if (!parsed.success)
    throw fail(parsed.error.issues.map((i) => `${i.path.join(".")}: ${i.message}`).join("; "));
  const { fields, dim, layout, held } = parsed.data;
  if (held.some((f, i) => f >= fields.length || (i > 0 && f <= held[i - 1]!))) {
    throw fail("its held fields are not in order");
  }
  const arrays = new Map<string, Uint32Array>();
  for (const [name, { data }] of file.tensors) if (isWords(data)) arrays.set(name, data);
  const rows = held.reduce((n, f) => n + fields[f]!.rows, 0);
  const none = held.length === 0 && arrays.size === 0;
  const addresses = none ? new Uint32Array(0) : unpackIndex(layout, arrays, { rows, dim }, numbers);
  if (!addresses || addresses.length !== numbers)
    throw fail(`its ${layout} index does not say where its ${numbers} values belong`);
  const masks = fields.map((field) => new Uint32Array(wordsOf(field.rows * dim)));
  let at = 0;
  let base = 0;
  for (const f of held) {
    const end = base + fields[f]!.rows * dim;
    for (; at < numbers && addresses[at]! < end; at++) setBit(masks[f]!, addresses[at]! - base);
    base = end;
  }
  return elements(fields, { dim, masks, layout });
}

function isWords(data: HostArray): data is Uint32Array {
  return data instanceof Uint32Array;
}
