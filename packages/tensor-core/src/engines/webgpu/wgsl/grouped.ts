/**
 * The grouped kind: one item is one product of the output, summed by one thread. In form "rows" the row's group is found among the bounds,
 * in form "groups" the group's rows by halving in the plan. A plain loop, not tuned for GPUs: neighbouring threads have neighbouring
 * columns, so they read b side by side and share a.
 */
import type { GroupedKernel, MatmulOperand } from "../../../kernels/ir.ts";
import { accessesOf } from "./accesses.ts";
import { Bindings } from "./bindings.ts";
import type { DeviceTraits, Dispatch } from "./dispatch.ts";
import { Emitter } from "./instructions.ts";
import { moduleText } from "./module-text.ts";
import { Params } from "./params.ts";
import { coordinates, itemLoop } from "./space.ts";

export function planGrouped(kernel: GroupedKernel, traits: DeviceTraits): Dispatch[] {
  const { form, plan, a, b, post, stores } = kernel;
  const [groups, m, n] = kernel.space as readonly [number, number, number];
  const bindings = new Bindings([
    { buffer: plan.feeds, dtype: "u32", write: false, wide: false },
    { buffer: a.buffer, dtype: "f32", write: false, wide: false },
    { buffer: b.buffer, dtype: "f32", write: false, wide: false },
    ...accessesOf(post, stores, 1, 2),
  ]);
  const functions = new Set<string>();
  const params = new Params(traits);
  const parts = { kernel, bindings, params };
  const acc = [{ text: "acc0", wide: false }];
  const after = new Emitter({ bindings, width: 1, axes: ["z", "i", "j"], acc, functions, params });
  const lines = [
    ...coordinates([groups, m, n], ["z", "i", "j"], "item", 1, params),
    "var acc0 = 0.0;",
    ...(form === "rows" ? ofRow(parts) : ofGroup(parts)),
    ...after.emit(post),
    ...after.emitStores(stores),
    ...(form === "rows" ? ["}"] : []),
  ];
  const count = bindings.load(plan.feeds, "u32", params.u32(plan.count));
  const items =
    form === "rows" ? `min(${count}, ${params.u32(m)}) * ${params.u32(n)}` : params.u32(groups * m * n);
  const loop = itemLoop(traits, items, groups * m * n, form === "rows" ? kernel.k : 64, lines);
  return [
    {
      wgsl: moduleText(bindings, functions, loop.workgroupSize, loop.lines, params),
      params: params.values,
      bindings: bindings.list,
      workgroups: (feeds) => {
        if (form === "groups") return loop.workgroups(groups * m * n);
        const rows = Math.min(m, feeds[plan.count]!);
        return rows === 0 ? null : loop.workgroups(rows * n);
      },
    },
  ];
}

interface Parts {
  readonly kernel: GroupedKernel;
  readonly bindings: Bindings;
  readonly params: Params;
}

/** Opens a block that is entered where the row is in a group. */
function ofRow({ kernel, bindings, params }: Parts): string[] {
  const { plan, bounds, k, a, b } = kernel;
  const rising = bounds.map((bound) => `select(0u, 1u, row >= ${params.u32(bound)})`);
  return [
    `let row = ${bindings.load(plan.feeds, "u32", `${params.u32(plan.rows)} + i`)};`,
    // bounds that are not above the row: one more than the group's number
    `let above = ${rising.join(" + ")};`,
    `if (above > 0u && above < ${params.u32(bounds.length)}) {`,
    "let g = above - 1u;",
    `for (var k = 0u; k < ${params.u32(k)}; k += 1u) {`,
    `acc0 += ${element(bindings, params, a, "0u", "i", "k")} * ${element(bindings, params, b, "g", "k", "j")};`,
    "}",
  ];
}

function ofGroup({ kernel, bindings, params }: Parts): string[] {
  const { plan, bounds, a, b } = kernel;
  const count = bindings.load(plan.feeds, "u32", params.u32(plan.count));
  // the bound by the group's number: a chain of choices, since a module has no arrays of numbers known at run time
  const boundOf = (next: number) =>
    bounds
      .slice(next, bounds.length - 1 + next)
      .map((bound, g) => `select(0u, ${params.u32(bound)}, z == ${params.u32(g)})`)
      .join(" + ");
  const halve = (name: string, bound: string) => [
    `var ${name} = 0u;`,
    `var ${name}High = ${count};`,
    `let ${name}Bound = ${bound};`,
    `while (${name} < ${name}High) {`,
    `let middle = (${name} + ${name}High) / 2u;`,
    `if (${bindings.load(plan.feeds, "u32", `${params.u32(plan.rows)} + middle`)} < ${name}Bound) { ${name} = middle + 1u; }`,
    `else { ${name}High = middle; }`,
    "}",
  ];
  return [
    ...halve("first", boundOf(0)),
    ...halve("end", boundOf(1)),
    "for (var u = first; u < end; u += 1u) {",
    `acc0 += ${element(bindings, params, a, "0u", "i", "u")} * ${element(bindings, params, b, "0u", "u", "j")};`,
    "}",
  ];
}

function element(
  bindings: Bindings,
  params: Params,
  { buffer, offset, strides }: MatmulOperand,
  ...index: readonly [string, string, string]
): string {
  const terms = strides.map((stride, axis) =>
    stride === 0 ? "0u" : `${index[axis]} * ${params.u32(stride)}`,
  );
  return bindings.load(buffer, "f32", [params.u32(offset), ...terms].join(" + "));
}
