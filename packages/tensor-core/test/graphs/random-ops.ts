/** Random ops on tensors of the pool: what a step of a random program may be when it changes no variable. */
import type { Random } from "@trimtab/test-support";
import * as t from "../../src/index.ts";
import { size } from "../reference/index-space.ts";
import { MOST_ELEMENTS, type Pool } from "./random-pool.ts";

export function unary(g: Pool): void {
  const x = g.any();
  const off = t.add(x, 0.0371);
  const positive = t.add(t.abs(x), 0.5);
  g.keep(
    g.random.pick([
      () => t.tanh(x),
      () => t.sigmoid(t.mul(x, 3)),
      () => t.neg(x),
      () => t.relu(x),
      () => t.exp(t.tanh(x)),
      () => t.log(positive),
      () => t.log1p(positive),
      () => t.sqrt(positive),
      () => t.rsqrt(positive),
      () => t.recip(positive),
      () => t.softplus(x),
      () => t.mul(x, t.cast(t.gt(off, 0), "f32")),
      () => t.stopGradient(t.mul(x, 1)),
      () => t.pow(positive, 0.7),
    ])(),
  );
}

export function binary(g: Pool): void {
  const a = g.any();
  const b = g.partner(a.shape);
  g.keep(
    g.random.pick([
      () => t.mul(t.add(a, b), 0.7),
      () => t.sub(a, b),
      () => t.mul(t.tanh(a), b),
      () => t.div(a, t.add(t.abs(b), 0.7)),
      () => t.maximum(a, b),
      () => t.minimum(b, a),
      () => t.where(t.lt(a, b), t.tanh(b), a),
    ])(),
  );
}

export function view(g: Pool): void {
  const r = g.random;
  const x = g.any();
  const { shape } = x;
  switch (r.whole(0, 5)) {
    case 0:
      g.keep(t.reshape(x, refactor(size(shape), r)));
      break;
    case 1:
    case 2:
      g.keep(t.permute(x, r.shuffle(shape.map((_, i) => i))));
      break;
    case 3: {
      const from = shape.map((d) => (r.next() < 0.5 ? 0 : r.whole(0, Math.floor(d / 2))));
      g.keep(
        t.slice(
          x,
          from,
          shape.map((d, i) => Math.max(from[i]!, d - (r.next() < 0.5 ? 0 : r.whole(0, 2)))),
        ),
      );
      break;
    }
    case 4: {
      const start = shape.map(() => r.whole(0, 2));
      g.keep(
        t.pad(
          x,
          start,
          shape.map((d, i) => d + start[i]! + r.whole(0, 2)),
        ),
      );
      break;
    }
    default: {
      const wide = shape.map((d) => (d === 1 ? r.whole(1, 5) : d));
      if (r.next() < 0.5) wide.unshift(r.whole(1, 4));
      if (size(wide) <= MOST_ELEMENTS && wide.length <= 5) g.keep(t.broadcastTo(x, wide));
    }
  }
}

export function fold(g: Pool): void {
  const r = g.random;
  const x = g.any();
  const axes = x.shape.map((_, i) => i).filter(() => r.next() < 0.6);
  const keep = r.next() < 0.4;
  const n = axes.reduce((p, a) => p * x.shape[a]!, 1);
  if (n === 0) g.keep(t.sum(x, axes, { keep }));
  else {
    const scaled = () => t.mul(t.sum(x, axes, { keep }), 1 / Math.sqrt(n));
    g.keep(
      r.pick([
        scaled,
        scaled,
        () => t.mean(t.square(x), axes, { keep }),
        () => t.max(x, axes, { keep }),
        () => t.min(t.neg(x), axes, { keep }),
      ])(),
    );
  }
}

/** Several folds of one tensor over the same axes, then the tensor against them: what a layer norm or a softmax does. */
export function normalize(g: Pool): void {
  const r = g.random;
  const x = g.any();
  const axes = x.shape.map((_, i) => i).filter(() => r.next() < 0.6);
  const n = axes.reduce((p, a) => p * x.shape[a]!, 1);
  if (n === 0) return;
  const y = r.next() < 0.5 ? x : t.tanh(t.add(x, g.input([])));
  const [keep, total, most] = [
    { keep: true },
    t.sum(y, axes, { keep: true }),
    t.max(y, axes, { keep: true }),
  ];
  const squares = t.mean(t.square(y), axes, keep);
  g.keep(
    r.pick([
      () => t.mul(t.sub(y, t.mul(total, 1 / n)), t.rsqrt(t.add(squares, 0.3))),
      () => t.div(t.exp(t.sub(y, most)), t.sum(t.exp(t.sub(y, most)), axes, keep)),
      () => t.add(t.mul(total, 1 / n), t.sub(squares, most)),
    ])(),
  );
}

export function matmul(g: Pool): void {
  const r = g.random;
  const a = g.any();
  const { shape } = a;
  const rank = shape.length;
  if (rank < 2) {
    const column = t.reshape(a, [size(shape), 1]);
    if (size(shape) <= 64) g.keep(t.matmul(column, t.transpose(column)));
    else g.keep(t.mul(t.matmul(t.transpose(column), t.tanh(column)), 1 / size(shape)));
    return;
  }
  const lead = shape.slice(0, -2);
  const k = shape[rank - 1]!;
  const n = r.pick([1, 2, 3, 5, 8, 16]);
  const scale = 1 / Math.max(1, k);
  const fresh = (s: number[]) => (r.next() < 0.5 ? g.input(s) : g.variable(s).value);
  const b = r.pick([
    () => fresh([k, n]),
    () => t.transpose(fresh([n, k])),
    () => fresh([...lead, k, n]),
    () => t.transpose(fresh([...lead.map(() => 1), n, k])),
    () => t.transpose(a),
    () => t.broadcastTo(fresh([k, 1]), [k, n]),
    () => t.sliceAxis(fresh([k, n + 3]), 1, 2, n + 2),
    () => t.relu(fresh([k, n])),
  ])();
  if (size(lead) * shape[rank - 2]! * b.shape.at(-1)! > MOST_ELEMENTS) return;
  const c = t.mul(t.matmul(a, b), scale);
  g.keep(r.pick([() => c, () => t.relu(t.add(c, fresh([b.shape.at(-1)!]))), () => t.tanh(c)])());
}

export function concat(g: Pool): void {
  const r = g.random;
  const x = g.any();
  if (x.shape.length === 0) return;
  const axis = r.whole(0, x.shape.length - 1);
  const y = t.sliceAxis(x, axis, 0, r.whole(0, x.shape[axis]!));
  const parts = r.shuffle([x, r.next() < 0.5 ? t.tanh(x) : x, r.next() < 0.5 ? y : t.mul(y, g.input([]))]);
  const fits = parts.filter((p) => p.shape.length === x.shape.length);
  const joined = g.keep(t.concat(fits, axis));
  // reading one part back must not be taken for reading what a kernel has at hand
  if (r.next() < 0.3) g.keep(t.tanh(t.sliceAxis(joined, axis, 0, fits[0]!.shape[axis]!)));
}

export function integers(g: Pool): void {
  const r = g.random;
  const shape = g.shape();
  const fresh = () => {
    const name = g.freshName("n");
    g.feeds[name] = Uint32Array.from({ length: size(shape) }, () => r.whole(0, 2 ** 32 - 1));
    return t.input(name, shape, "u32");
  };
  const a = r.next() < 0.5 ? t.iota(shape) : fresh();
  const word = r.pick([
    () => t.threefry(r.whole(0, 2 ** 32 - 1), 7, t.iota(shape), r.whole(0, 9)),
    () => t.xor(t.mul(a, 2654435761), t.shr(a, 3)),
    () => t.mod(t.add(a, t.shl(a, 4)), 1009),
    () => t.where(t.eq(t.and(a, 1), 0), t.div(a, 3), t.or(a, 256)),
    () => t.minimum(a, t.sub(0, a)),
  ])();
  g.whole.push(word);
  const signed = t.sub(t.cast(t.shr(word, 1), "i32"), 1 << 30);
  g.whole.push(signed);
  if (size(shape) > 0)
    g.whole.push(r.pick([t.sum, t.max, t.min])(r.pick([word, signed]), [0].slice(0, shape.length)));
  g.keep(t.mul(t.cast(t.shr(word, 8), "f32"), 2 ** -24));
}

/** A random shape of `n` elements. */
function refactor(n: number, r: Random): number[] {
  if (n === 0) return [0];
  const out: number[] = [];
  let rest = n;
  while (rest > 1 && out.length < 3) {
    const divisors = [1, 2, 3, 4, 5, 7, 8, 13, 16, 17].filter((d) => rest % d === 0);
    const d = r.pick(divisors);
    out.push(d);
    rest /= d;
  }
  if (rest > 1) out.push(rest);
  return r.shuffle(out);
}
