/**
 * A checksum over what a tensor file means, not over its layout: names, dtypes, shapes, values and metadata, each in sorted
 * order. So a damaged name or a damaged position is noticed as well as a damaged value, and a tool that writes the
 * same content in another order does not break it.
 */
import { createHash } from "node:crypto";
import type { TensorFile } from "./safetensors.ts";

/** The metadata key that holds it. */
export const CHECKSUM = "trimtab.sha256";

/** Bytes that a hash is given at once; more than 2^31 are refused. */
const AT_ONCE = 2 ** 28;

export function checksumOf({ tensors, metadata }: TensorFile): string {
  const hash = createHash("sha256");
  hash.update(JSON.stringify(Object.entries(metadata).sort(byKey)));
  for (const [name, { dtype, shape, data }] of [...tensors].sort(byKey)) {
    hash.update(JSON.stringify([name, dtype, shape]));
    for (let at = 0; at < data.byteLength; at += AT_ONCE)
      hash.update(new Uint8Array(data.buffer, data.byteOffset + at, Math.min(AT_ONCE, data.byteLength - at)));
  }
  return hash.digest("hex");
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
