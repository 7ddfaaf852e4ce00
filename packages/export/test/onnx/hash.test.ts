// The hash in the graph is the data package's, over all of 32 bits.
import { expect, setDefaultTimeout, test } from "bun:test";
import { hashedRow } from "@trimtab/data";
import { HASH_RULES } from "@trimtab/embeddings";
import fc from "fast-check";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { Graph } from "../../src/onnx/graph.ts";
import { hashedRows } from "../../src/onnx/hash.ts";
import { Ops } from "../../src/onnx/ops.ts";
import { SEED } from "../support/setting.ts";

setDefaultTimeout(60_000);

test.each([...HASH_RULES])("law: %s rows are those of hashedRow", async (rule) => {
  const id = fc.oneof(fc.nat(100), fc.integer({ min: 0, max: 2 ** 32 - 2 }));
  const ids = fc.array(id, { minLength: 1, maxLength: 200 });
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(fc.integer({ min: 2, max: 9 }), fc.integer({ min: 2, max: 2 ** 31 })),
      ids,
      async (rows, list) => {
        const graph = new Graph();
        const o = new Ops(graph);
        graph.output("rows", "i64", hashedRows(o, graph.input("ids", "i64", []), rows, rule));
        const { model } = graph.encode({ version: "0", doc: "", metadata: {}, externalName: "none" });
        const session = await InferenceSession.create(model, { intraOpNumThreads: 1 });
        const fed = new Tensor("int64", BigInt64Array.from([0, ...list], BigInt), [list.length + 1]);
        const { rows: found } = await session.run({ ids: fed });
        expect([...(found!.data as BigInt64Array)].map(Number)).toEqual(
          [0, ...list].map((x) => hashedRow(x, { rows, rule })),
        );
        await session.release();
      },
    ),
    { seed: SEED, numRuns: 25 },
  );
});
