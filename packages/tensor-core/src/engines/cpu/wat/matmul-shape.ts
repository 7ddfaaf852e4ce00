/** How a product is cut: register tile, blocks of k that stay in cache, blocks of rows that threads take. */
import type { MatmulKernel } from "../../../kernels/ir.ts";

/** Rows of the register tile. With TILE_COLUMNS it fills the 15 vector registers that Bun's compiler uses: 12 sums, 2 of B, 1 of A. */
export const TILE_ROWS = 6;
/** Columns of the register tile: two vectors. */
export const TILE_COLUMNS = 8;
/** A panel of B this deep takes 14 KiB and stays in the first cache while the rows pass by. */
const MOST_DEPTH = 448;
/** Rows of a unit at most. */
export const MOST_ROWS = 48;

export interface MatmulShape {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Depth of a block of k (the last may be less), and how many there are. */
  readonly depth: number;
  readonly depths: number;
  /** Rows a unit, a multiple of TILE_ROWS; units of rows. */
  readonly rows: number;
  readonly rowBlocks: number;
  /** Panels of TILE_COLUMNS columns in all, in a unit, and units of panels. */
  readonly panels: number;
  readonly unitPanels: number;
  readonly panelBlocks: number;
  /** Row length of a unit's sums, in numbers. */
  readonly sumStride: number;
  /** B is the same for all of the batch. */
  readonly sharedB: boolean;
}

/** Bytes of a packed panel of B. */
export const panelBytes = ({ depth }: Pick<MatmulShape, "depth">): number => depth * TILE_COLUMNS * 4;

/** Blocks of k that stay in cache: the depth of each (the last may be less), and how many. */
export function blocksOf(k: number): Pick<MatmulShape, "depth" | "depths"> {
  const depths = Math.ceil(k / MOST_DEPTH);
  return { depth: Math.ceil(k / depths), depths };
}

export function matmulShape(kernel: MatmulKernel, threads: number): MatmulShape {
  const [batch, m, n] = kernel.space as [number, number, number];
  const { k } = kernel;
  const rows = rowsPerUnit(m, batch, threads);
  const rowBlocks = Math.ceil(m / rows);
  const panels = Math.ceil(n / TILE_COLUMNS);
  const wanted = Math.min(panels, Math.ceil((2 * threads) / (rowBlocks * batch)));
  const unitPanels = Math.ceil(panels / wanted);
  return {
    batch,
    m,
    n,
    k,
    ...blocksOf(k),
    rows,
    rowBlocks,
    panels,
    unitPanels,
    panelBlocks: Math.ceil(panels / unitPanels),
    sumStride: unitPanels * TILE_COLUMNS,
    sharedB: batch === 1 || kernel.b.strides[0] === 0,
  };
}

/** The largest unit that leaves no thread without work for long at the end. Its size changes no number. */
function rowsPerUnit(m: number, batch: number, threads: number): number {
  let best = TILE_ROWS;
  let most = 0;
  for (let rows = MOST_ROWS; rows >= TILE_ROWS; rows -= TILE_ROWS) {
    const turns = Math.ceil((batch * Math.ceil(m / rows)) / threads);
    const used = (batch * m) / (turns * threads * rows);
    if (used >= 0.98) return rows;
    if (used > most + 0.005) [best, most] = [rows, used];
  }
  return best;
}
