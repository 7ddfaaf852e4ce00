/** Batch plans for tests, made in the plainest way (design section 4, "Sparse tables"). */
import { maxPieces, PIECE, type PlanInputs, planInputs } from "../src/index.ts";

export interface TestPlan {
  readonly inputs: PlanInputs;
  readonly feeds: Record<string, Uint32Array>;
  readonly rows: number[];
  readonly sorted: number[];
  readonly offsets: number[];
  /** The feed that `spread` alone asks for. */
  readonly places: Uint32Array;
}

/** The plan of `ids`; runs longer than PIECE are cut into pieces of that many positions. */
export function makePlan(name: string, ids: readonly number[]): TestPlan {
  const byRow = new Map<number, number[]>();
  ids.forEach((id, position) => {
    const list = byRow.get(id);
    if (list) list.push(position);
    else byRow.set(id, [position]);
  });
  const rows = [...byRow.keys()].sort((a, b) => a - b);
  const sorted: number[] = [];
  const offsets = [0];
  const pieceOffsets = [0];
  const pieceFrom: number[] = [];
  const pieceTo: number[] = [];
  for (const row of rows) {
    const from = sorted.length;
    sorted.push(...byRow.get(row)!);
    const to = sorted.length;
    if (to - from > PIECE) {
      for (let at = from; at < to; at += PIECE) {
        pieceFrom.push(at);
        pieceTo.push(Math.min(to, at + PIECE));
      }
    }
    offsets.push(to);
    pieceOffsets.push(pieceFrom.length);
  }
  if (pieceFrom.length > maxPieces(ids.length)) throw new Error("test plan: more pieces than the limit");
  const feeds: Record<string, Uint32Array> = {};
  const put = (part: string, values: readonly number[]) => {
    feeds[`${name}.${part}`] = Uint32Array.from(values);
  };
  put("sorted", sorted);
  put("rows", rows);
  put("offsets", offsets);
  put("pieceOffsets", pieceOffsets);
  put("pieceFrom", pieceFrom);
  put("pieceTo", pieceTo);
  put("count", [rows.length]);
  put("pieceCount", [pieceFrom.length]);
  const places = Uint32Array.from(ids, (id) => rows.indexOf(id));
  return { inputs: planInputs(name, ids.length), feeds, rows, sorted, offsets, places };
}
