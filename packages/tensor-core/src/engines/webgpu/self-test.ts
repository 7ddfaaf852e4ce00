/** Adapters exist that answer every call and compute nothing. A small kernel's numbers tell. */
import { NoAdapterError } from "../../errors.ts";
import type { KernelList } from "../../kernels/ir.ts";
import type { Engine } from "../engine.ts";

const N = 256;

const LIST: KernelList = {
  buffers: [
    { role: "feeds", label: "feeds", length: N },
    { role: "output", label: "result", length: N },
  ],
  feeds: [{ name: "x", dtype: "f32", shape: [N], offset: 0, length: N, upTo: false }],
  outputs: [{ name: "y", dtype: "f32", shape: [N], buffer: 1 }],
  kernels: [
    {
      kind: "map",
      label: "self-test: x * x + 1",
      space: [N],
      instrs: [
        { op: "load", dtype: "f32", buffer: 0, view: { offset: 0, strides: [1] } },
        { op: "const", dtype: "f32", value: 1 },
        { op: "binary", dtype: "f32", name: "mul", a: 0, b: 0 },
        { op: "binary", dtype: "f32", name: "add", a: 2, b: 1 },
      ],
      stores: [{ buffer: 1, dtype: "f32", view: { offset: 0, strides: [1] }, value: 3 }],
    },
  ],
};

export async function selfTest(engine: Engine): Promise<void> {
  const program = await engine.prepare(LIST, []);
  const x = Float32Array.from({ length: N }, (_, i) => i - 100);
  const [bytes] = await Promise.all(program.run(new Uint32Array(x.buffer), [1]));
  program.dispose();
  const y = new Float32Array(bytes!);
  const wrong = y.findIndex((value, i) => value !== x[i]! * x[i]! + 1);
  if (wrong < 0 && y.length === N) return;
  throw new NoAdapterError(
    `The adapter "${engine.info.adapter}" does not compute: its self-test gave ${y[wrong]} where ${x[wrong]! ** 2 + 1} was due; install a working driver or choose another adapter.`,
  );
}
