/** WGSL functions that instructions call, written for one type parameter: T is f32 or vec4<f32> (U: the u32 likeness). */

export type FunctionName =
  | "specials"
  | "min"
  | "max"
  | "log1p"
  | "sigmoid"
  | "tanh"
  | "pow"
  | "ipow"
  | "upow"
  | "threefry";

/** Name of the function in WGSL for a width. */
export function functionName(name: FunctionName, wide: boolean): string {
  return wide ? `${name}_4` : `${name}_1`;
}

/** The text of the functions asked for, in a fixed order. Keys are `functionName`s. */
export function functionTexts(names: ReadonlySet<string>): string {
  let text = "";
  if ([...names].some((name) => name.startsWith("specials") || name.startsWith("pow"))) text += SPECIALS;
  for (const [name, make] of Object.entries(TEMPLATES) as [FunctionName, Template][]) {
    for (const wide of [false, true]) {
      if (names.has(functionName(name, wide))) text += make(functionName(name, wide), wide);
    }
  }
  return text;
}

// WGSL refuses infinities and NaN in constant expressions, and Dawn drops the sign of a constant zero; a private variable is a
// run-time value.
const SPECIALS = `var<private> inf_bits: u32 = 0x7f800000u;
var<private> nan_bits: u32 = 0x7fc00000u;
var<private> negative_zero_bits: u32 = 0x80000000u;
`;

type Template = (fn: string, wide: boolean) => string;

const TEMPLATES: Record<FunctionName, Template> = {
  specials: () => "",

  min: (fn, wide) => extreme("min", fn, wide),
  max: (fn, wide) => extreme("max", fn, wide),

  // log(1 + x) loses x below 1e-7. On [-1/2, 1] use 2 atanh(x / (2 + x)), whose series in s*s <= 1/9 is done at s^16.
  log1p: (fn, wide) => {
    const t = wide ? "vec4<f32>" : "f32";
    return `fn ${fn}(x: ${t}) -> ${t} {
  let s = x / (2.0 + x);
  let q = s * s;
  let p = 2.0 + q * (0.6666667 + q * (0.4 + q * (0.2857143 + q * (0.22222222 + q * (0.18181818 + q * (0.15384616 + q * 0.13333334))))));
  return select(log(1.0 + x), s * p, (x >= ${t}(-0.5)) & (x <= ${t}(1.0)));
}
`;
  },

  sigmoid: (fn, wide) => {
    const t = wide ? "vec4<f32>" : "f32";
    return `fn ${fn}(x: ${t}) -> ${t} {
  let e = exp(-abs(x));
  let r = 1.0 / (1.0 + e);
  return select(e * r, r, x >= ${t}(0.0));
}
`;
  },

  // Small x: the continued fraction of tanh to its sixth term, since 1 - exp(-2x) cancels there.
  tanh: (fn, wide) => {
    const t = wide ? "vec4<f32>" : "f32";
    return `fn ${fn}(x: ${t}) -> ${t} {
  let e = exp(-2.0 * abs(x));
  let far = sign(x) * (1.0 - e) / (1.0 + e);
  let q = min(x * x, ${t}(1.0));
  let near = x * (10395.0 + q * (1260.0 + q * 21.0)) / (10395.0 + q * (4725.0 + q * (210.0 + q)));
  return select(far, near, abs(x) < ${t}(0.6));
}
`;
  },

  // WGSL's pow knows no negative base.
  pow: (fn, wide) => {
    const t = wide ? "vec4<f32>" : "f32";
    return `fn ${fn}(x: ${t}, y: ${t}) -> ${t} {
  let p = pow(abs(x), y);
  let odd = abs(y - 2.0 * floor(y * 0.5)) == ${t}(1.0);
  let whole = floor(y) == y;
  let negative = select(${t}(bitcast<f32>(nan_bits)), select(p, -p, odd), whole);
  return select(select(p, negative, x < ${t}(0.0)), ${t}(1.0), y == ${t}(0.0));
}
`;
  },

  ipow: (fn, wide) => integerPower(fn, wide ? "vec4<i32>" : "i32", wide),
  upow: (fn, wide) => integerPower(fn, wide ? "vec4<u32>" : "u32", wide),

  // Salmon et al., SC'11: Threefry-2x32, 20 rounds, rotations 13 15 26 6 17 29 16 24, a key injection every 4 rounds.
  threefry: (fn, wide) => {
    const u = wide ? "vec4<u32>" : "u32";
    const rotate = (n: number) => `  x0 += x1; x1 = ((x1 << ${u}(${n}u)) | (x1 >> ${u}(${32 - n}u))) ^ x0;\n`;
    const keys = ["k0", "k1", "k2"];
    let rounds = "";
    for (let block = 0; block < 5; block++) {
      for (const n of block % 2 === 0 ? [13, 15, 26, 6] : [17, 29, 16, 24]) rounds += rotate(n);
      rounds += `  x0 += ${keys[(block + 1) % 3]}; x1 += ${keys[(block + 2) % 3]} + ${block + 1}u;\n`;
    }
    return `fn ${fn}(k0: ${u}, k1: ${u}, c0: ${u}, c1: ${u}) -> ${u} {
  let k2 = k0 ^ k1 ^ ${u}(0x1bd11bdau);
  var x0 = c0 + k0;
  var x1 = c1 + k1;
${rounds}  return x0;
}
`;
  },
};

/**
 * WGSL's min and max may pass a NaN over, and a broken model would look sound from its first relu on. NaN is told by its bits, as
 * compilers may take it that x == x.
 */
function extreme(name: "min" | "max", fn: string, wide: boolean): string {
  const [t, u] = wide ? ["vec4<f32>", "vec4<u32>"] : ["f32", "u32"];
  const noNumber = (x: string) => `(bitcast<${u}>(${x}) & ${u}(0x7fffffffu)) > ${u}(0x7f800000u)`;
  return `fn ${fn}(a: ${t}, b: ${t}) -> ${t} {
  return select(select(${name}(a, b), b, ${noNumber("b")}), a, ${noNumber("a")});
}
`;
}

/** Wraps like multiplication does; a negative exponent counts as 0. */
function integerPower(fn: string, t: string, wide: boolean): string {
  const one = t.includes("i32") ? "1i" : "1u";
  const zero = t.includes("i32") ? "0i" : "0u";
  const mask = wide ? "vec4<u32>(1u)" : "1u";
  const any = (text: string) => (wide ? `any(${text})` : text);
  return `fn ${fn}(x: ${t}, y: ${t}) -> ${t} {
  var result = ${t}(${one});
  var base = x;
  var left = max(y, ${t}(${zero}));
  while (${any(`left > ${t}(${zero})`)}) {
    result = select(result, result * base, (left & ${t}(${one})) == ${t}(${one}));
    base = base * base;
    left = left >> ${mask};
  }
  return result;
}
`;
}
