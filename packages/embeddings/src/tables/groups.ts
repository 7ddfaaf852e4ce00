/** Which fields share a table: those of one dim, as far as one binding holds them. Fewer tables are fewer kernels. */
import { layoutOf, type TableLayout } from "../fields.ts";
import type { DimScheme } from "../scheme/per-field.ts";
import { VALUE_BYTES } from "../scheme/scheme.ts";

export interface TableGroup {
  readonly dim: number;
  /** Fields of the table, in scheme order. */
  readonly fields: readonly number[];
  readonly layout: TableLayout;
  /** True if every field of the group has a linear map to the base dim. */
  readonly projected: boolean;
  /** True if every field of the group puts its numbers back to their columns of the base dim. */
  readonly placed: boolean;
}

/** The name of the layout that holds every field in order; the first-order weights use it too. */
export const WHOLE = "all";

/**
 * Groups of a scheme, largest dim first. A layout that holds every field is called `all`, others `d<dim>`, or
 * `d<dim>-<part>` where the fields of a dim need several tables to stay within `maxBytes` each. A single field over the
 * limit stays one group: the device refuses it by name.
 */
export function groupsOf(scheme: DimScheme, maxBytes: number): TableGroup[] {
  const { fields, dims } = scheme;
  const sizes = [...new Set(dims)].filter((d) => d > 0).sort((a, b) => b - a);
  return sizes.flatMap((dim) => {
    const members = fields.map((_, f) => f).filter((f) => dims[f] === dim);
    const parts = split(members, (f) => fields[f]!.rows * dim * VALUE_BYTES, maxBytes);
    return parts.map((part, i) => {
      const whole = part.length === fields.length;
      const name = whole ? WHOLE : parts.length > 1 ? `d${dim}-${i}` : `d${dim}`;
      return {
        dim,
        fields: part,
        layout: layoutOf(name, fields, part),
        projected: scheme.isProjected(part[0]!),
        placed: scheme.isPlaced(part[0]!),
      };
    });
  });
}

function split(members: readonly number[], bytesOf: (f: number) => number, maxBytes: number): number[][] {
  const parts: number[][] = [];
  let room = 0;
  for (const f of members) {
    const bytes = bytesOf(f);
    const last = parts.at(-1);
    if (last && bytes <= room) {
      last.push(f);
      room -= bytes;
    } else {
      parts.push([f]);
      room = maxBytes - bytes;
    }
  }
  return parts;
}
