/** What tells one training from another: the same hash on devices that give the same bits is the same training. */
import { createHash } from "node:crypto";
import type { Device } from "@trimtab/tensor-core";
import type { TrainConfig } from "./config.ts";
import type { TrainOptions } from "./contract.ts";

/** What fixes the bits of a run. */
export function runHash(
  options: Pick<TrainOptions, "model" | "scheme" | "seed" | "hooks" | "start"> & {
    readonly data: { readonly hash: string };
  },
  config: TrainConfig,
): string {
  const { checkpointSeconds: _, ...rest } = config;
  const parts: unknown[] = [options.data.hash, options.model, options.scheme.toJSON(), options.seed, rest];
  if (options.hooks) parts.push(options.hooks.identity);
  if (options.start !== undefined) parts.push({ start: options.start });
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}

/** What gives the same bits: the cpu engine anywhere, a webgpu adapter only itself. */
export function sameBits({ info }: Device): string {
  return info.engine === "cpu" ? "cpu" : `${info.engine}: ${info.adapter}`;
}
