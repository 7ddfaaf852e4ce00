/**
 * The register tile: TILE_ROWS x TILE_COLUMNS sums over a packed panel of A (k x rows) and a packed panel of B (k x columns).
 *
 * Measured (October-class server core, 128-bit vectors): 6 x 8 gives 47 GFLOP/s, the core's own limit with mul and add or fused; 4 x 8 the
 * same; 4 x 12, 3 x 16 and 4 x 16 spill registers and give 30 to 38; unrolling k is slower by 6%. Fused multiply-add (relaxed SIMD) was no
 * faster there, and plain mul and add give the same bits on every host.
 */
import { add, at, Code, get, i32 } from "./code.ts";
import { TILE_COLUMNS, TILE_ROWS } from "./matmul-shape.ts";

const VECTORS = TILE_COLUMNS / 4;

/** `first`: sums start at zero, else at what lies at $c. Rows of sums are `stride` numbers apart. */
export function tileCode(stride: number, first: boolean): Code {
  const code = new Code(`tile_${stride}_${first ? "first" : "next"}`, ["a", "b", "c", "k"]);
  const address = (i: number, j: number) => at((i * stride + j * 4) * 4);
  const sums: string[][] = [];
  for (let i = 0; i < TILE_ROWS; i++) {
    sums.push([]);
    for (let j = 0; j < VECTORS; j++) {
      const start = first ? "(v128.const i32x4 0 0 0 0)" : `(v128.load${address(i, j)} ${get("$c")})`;
      sums[i]!.push(code.keep("v128", "c", start));
    }
  }
  const a = code.local("v128", "a");
  const b = Array.from({ length: VECTORS }, () => code.local("v128", "b"));
  code.block("(loop $k", () => {
    b.forEach((name, j) => {
      code.set(name, `(v128.load${at(j * 16)} ${get("$b")})`);
    });
    for (let i = 0; i < TILE_ROWS; i++) {
      code.set(a, `(v128.load32_splat${at(i * 4)} ${get("$a")})`);
      b.forEach((name, j) => {
        const sum = sums[i]![j]!;
        code.set(sum, `(f32x4.add ${get(sum)} (f32x4.mul ${get(a)} ${get(name)}))`);
      });
    }
    code.set("$a", add(get("$a"), i32(TILE_ROWS * 4)));
    code.set("$b", add(get("$b"), i32(TILE_COLUMNS * 4)));
    code.line(`(br_if $k (local.tee $k (i32.sub ${get("$k")} ${i32(1)})))`);
  });
  for (let i = 0; i < TILE_ROWS; i++) {
    for (let j = 0; j < VECTORS; j++)
      code.line(`(v128.store${address(i, j)} ${get("$c")} ${get(sums[i]![j]!)})`);
  }
  return code;
}
