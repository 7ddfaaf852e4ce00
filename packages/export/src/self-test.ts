/** The test that an export must pass: what is on disk scores as the run's model does, on our engine and in onnxruntime. */
import { join } from "node:path";
import { type Columns, sampleRows } from "@trimtab/data";
import { evaluate } from "@trimtab/eval";
import type { Device } from "@trimtab/tensor-core";
import { SelfTestError } from "./errors.ts";
import { ONNX, type SelfTest } from "./files/manifest.ts";
import { OnnxScorer } from "./onnx/run.ts";
import { openExport } from "./open.ts";

/** Largest |difference| / max(1, |logit|) of two computations of one logit. */
export const TOLERANCE = 1e-5;

export interface SelfTestOptions {
  readonly folder: string;
  readonly device: Device;
  /** Logits of the run's model. */
  readonly reference: (columns: Columns) => Promise<Float32Array>;
  /** The validation split. */
  readonly valid: Columns;
  /** Rows that are compared, spread over the split. */
  readonly rows: number;
  readonly scoreBatch: number;
  /** Largest loss of AUC by narrower numbers. */
  readonly maxAucCost: number;
}

/** Reloads, scores, compares. Throws SelfTestError where anything differs; removes nothing. */
export async function selfTest(options: SelfTestOptions): Promise<SelfTest> {
  const { folder, device, reference, valid, scoreBatch } = options;
  const sample = sampleRows(valid, options.rows);
  const told = await reference(sample);
  const exported = await openExport(folder, { device, scoreBatch });
  try {
    const { manifest } = exported;
    const again = await exported.score(sample);
    const reloaded = differenceOf(again, told);
    const narrow = manifest.precision.name !== "f32";
    if (!narrow) mustAgree(reloaded, "the reloaded folder", "the run's model");
    let onnx: SelfTest["onnx"] = null;
    if (manifest.onnx) {
      const scorer = await OnnxScorer.open(join(folder, ONNX), manifest.fields);
      try {
        const difference = differenceOf(await scorer.logits(sample), again);
        onnx = { ...difference, runtime: scorer.version };
        mustAgree(difference, "onnxruntime", "our engine on the reloaded folder");
      } finally {
        await scorer.close();
      }
    }
    const cost = narrow ? await costOf(options, (columns) => exported.score(columns)) : null;
    return { rows: sample.rows, split: "valid", tolerance: TOLERANCE, reloaded, onnx, cost };
  } finally {
    await exported.dispose();
  }
}

/** What narrower numbers cost on the whole validation split. */
async function costOf(
  { valid, reference, maxAucCost }: SelfTestOptions,
  score: (columns: Columns) => Promise<Float32Array>,
): Promise<NonNullable<SelfTest["cost"]>> {
  const [run, exported] = [await reference(valid), await score(valid)].map((logits) =>
    evaluate({ logits, labels: valid.labels }),
  );
  const lost = run!.auc - exported!.auc;
  if (lost > maxAucCost) {
    throw new SelfTestError(
      `self-test: the narrower numbers cost ${Number(lost.toPrecision(2))} of validation AUC, at most ${maxAucCost} is allowed; ` +
        "use a wider precision, or allow more.",
    );
  }
  return {
    rows: valid.rows,
    auc: { run: run!.auc, exported: exported!.auc },
    logloss: { run: run!.logloss, exported: exported!.logloss },
  };
}

interface Difference {
  readonly largest: number;
  readonly relative: number;
}

/** A logit that is not a number makes both infinite. */
export function differenceOf(a: Float32Array, b: Float32Array): Difference {
  let largest = 0;
  let relative = 0;
  b.forEach((x, i) => {
    const apart = Math.abs(a[i]! - x);
    const known = Number.isFinite(apart);
    largest = Math.max(largest, known ? apart : Number.POSITIVE_INFINITY);
    relative = Math.max(relative, known ? apart / Math.max(1, Math.abs(x)) : Number.POSITIVE_INFINITY);
  });
  return { largest, relative };
}

function mustAgree({ largest, relative }: Difference, one: string, other: string): void {
  if (relative <= TOLERANCE) return;
  throw new SelfTestError(
    `self-test: logits of ${one} and of ${other} differ by up to ${largest.toExponential(2)}, ` +
      `${TOLERANCE} is allowed (of logits above 1: of their size); do not use the folder, and report this.`,
  );
}
