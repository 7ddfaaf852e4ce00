/** WebAssembly text to bytes, by wabt. */
import wabt from "wabt";
import { KernelError } from "../../../errors.ts";

let encoder: ReturnType<typeof wabt> | undefined;

/** Throws KernelError with the text, lines numbered, where it does not parse: a fault of this engine. */
export async function encode(text: string): Promise<Uint8Array<ArrayBuffer>> {
  encoder ??= wabt();
  const { parseWat } = await encoder;
  try {
    const module = parseWat("kernels", text, { simd: true, threads: true, bulk_memory: true });
    try {
      return new Uint8Array(module.toBinary({}).buffer);
    } finally {
      module.destroy();
    }
  } catch (cause) {
    const numbered = text.split("\n").map((line, i) => `${i + 1}  ${line}`);
    throw new KernelError(`WebAssembly text that does not parse: ${cause}\n${numbered.join("\n")}`, {
      cause,
    });
  }
}
