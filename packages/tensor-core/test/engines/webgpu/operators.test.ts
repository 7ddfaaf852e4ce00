/** The operators in WGSL; four wide and one wide are different text. */
import { afterAll, beforeAll, expect } from "bun:test";
import { type HostArray, viewAs } from "../../../src/dtype.ts";
import type { Engine } from "../../../src/engines/engine.ts";
import { openWebGpu } from "../../../src/engines/webgpu/open.ts";
import type { Instr } from "../../../src/kernels/ir.ts";
import { describeWebGpu } from "../../webgpu-adapter.ts";
import { pointwise } from "../lists.ts";
import { type Lanes, operatorsSuite } from "../operators.ts";

describeWebGpu("WGSL operators", () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openWebGpu();
  });
  afterAll(() => engine.dispose());

  /** Whether a storage buffer is bound four wide (the uniform of shapes always is). */
  const isWide = (text: string) => /var<storage[^;]*array<vec4</.test(text);

  /** Results of the instructions at every argument. 1000 + n arguments are padded to a multiple of 4 or to one more. */
  async function results(args: HostArray, instrs: readonly Instr[], width: Lanes): Promise<HostArray> {
    const length = Math.ceil(args.length / 4) * 4 + (width === 4 ? 0 : 1);
    const feeds = new Uint32Array(length);
    feeds.set(new Uint32Array(args.buffer, args.byteOffset, args.length));
    const program = await engine.prepare(pointwise(length, instrs), []);
    try {
      expect(isWide(program.sources()[0]!.text)).toBe(width === 4);
      const [bytes] = await Promise.all(program.run(feeds, [1]));
      return viewAs(instrs.at(-1)!.dtype, bytes!, 0, args.length);
    } finally {
      program.dispose();
    }
  }

  operatorsSuite(() => engine, results);
});
