/**
 * Functions of four lanes that instructions call: `(func $NAME (param v128 ...) (result v128))`. Only plain SIMD, whose
 * results are the same bits on every host (but for which NaN it is); no bit pattern traps; a NaN comes through; and a
 * lane's bits depend on that lane alone.
 */
import * as exponential from "./functions/exponential.ts";
import * as integers from "./functions/integers.ts";
import * as logarithm from "./functions/logarithm.ts";
import * as power from "./functions/power.ts";
import { threefry } from "./functions/threefry.ts";

/** Every function's text, in the order they are written. A name that ends in _far is of no use to others. */
const TEXTS = {
  exp: exponential.exp,
  exp_far: exponential.expFar,
  sigmoid: exponential.sigmoid,
  sigmoid_far: exponential.sigmoidFar,
  tanh: exponential.tanh,
  log: logarithm.log,
  log_far: logarithm.logFar,
  log1p: logarithm.log1p,
  log1p_far: logarithm.log1pFar,
  pow: power.pow,
  pow_far: power.powFar,
  fmod: power.fmod,
  sign_f32: integers.signF32,
  sign_i32: integers.signI32,
  sign_u32: integers.signU32,
  div_i32: integers.divI32,
  div_u32: integers.divU32,
  mod_i32: integers.modI32,
  mod_u32: integers.modU32,
  shl: integers.shiftLeft,
  shr_u32: integers.shiftRightU32,
  shr_i32: integers.shiftRightI32,
  ipow: integers.ipow,
  upow: integers.upow,
  threefry,
} as const;

type TextName = keyof typeof TEXTS;
export type FunctionName = Exclude<TextName, `${string}_far`>;

const NAMES = Object.keys(TEXTS) as TextName[];

/** The functions that a text calls, by its own words. */
const calls = (name: TextName): TextName[] =>
  [...TEXTS[name].matchAll(/\(call \$(\w+)/g)].map((match) => match[1] as TextName);

/** The text of the functions asked for and of those they call, each once, in a fixed order. */
export function functionTexts(names: ReadonlySet<FunctionName>): string {
  const needed = new Set<TextName>(names);
  // A set's iteration goes on to what is added to it.
  for (const name of needed) for (const callee of calls(name)) needed.add(callee);
  return NAMES.filter((name) => needed.has(name))
    .map((name) => TEXTS[name])
    .join("");
}
