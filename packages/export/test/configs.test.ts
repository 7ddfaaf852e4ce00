import { describe, expect, test } from "bun:test";
import { perField } from "@trimtab/embeddings";
import { dlrmConfig, torchrecConfig } from "../src/index.ts";
import { schemesOf } from "./support/setting.ts";

const schemes = schemesOf(3);

describe("TorchRec", () => {
  test("a table a field that has an embedding, of its own dim", () => {
    const made = torchrecConfig(schemes["per field, projected"]!);
    expect(made).toMatchObject({
      json: {
        tables: [
          { name: "t0_user", num_embeddings: 40, embedding_dim: 4, feature_names: ["user"], pooling: "SUM" },
          {
            ...{ name: "t1_genres_weights", num_embeddings: 9, embedding_dim: 2, pooling: "MEAN" },
            feature_names: ["genres/weights"],
          },
          { name: "t2_hour", num_embeddings: 5, embedding_dim: 1, pooling: "SUM" },
          { name: "t3_tags", num_embeddings: 6, embedding_dim: 2, pooling: "MEAN" },
        ],
        base_dim: 4,
        fields_without_table: ["item"],
        notes: [expect.stringContaining("linear map to 4")],
      },
    });
  });

  test("rows that ids share are counted, and how is told", () => {
    const made = torchrecConfig(schemes["hashed, modulo"]!);
    if (typeof made === "string") throw new Error(made);
    const { tables, notes } = made.json as { tables: { num_embeddings: number }[]; notes: string[] };
    expect(tables.map((t) => t.num_embeddings)).toEqual([14, 3, 24, 2, 2]);
    expect(notes).toEqual([expect.stringContaining("h = id - 1")]);
  });
});

describe("DLRM", () => {
  test("sizes, dims and base dim; what its command line cannot say is told", () => {
    const made = dlrmConfig(schemes["per field, projected"]!);
    if (typeof made === "string") throw new Error(made);
    expect(made.json).toMatchObject({
      arch_sparse_feature_size: 4,
      arch_embedding_size: "40-9-5-6",
      dims: [4, 2, 1, 2],
      md_flag: true,
      // tables of up to the threshold's rows would not get the dims
      md_threshold: 0,
    });
    expect(made.python).toContain("md_solver");
    expect(made.python).toContain("--md-threshold=0");
    expect(JSON.stringify(made.json)).toContain("here they are averaged: genres/weights, tags");
    expect(JSON.stringify(dlrmConfig(schemes["per field, columns put back"]!))).toContain(
      "the weights do not",
    );
  });
});

test("where no table has the base dim, DLRM's is the largest, and what that means is told", () => {
  const { fields } = schemes.uniform!;
  const made = dlrmConfig(perField(fields, [3, 2, 0, 1, 2], { base: 4, projection: "linear" }));
  expect(made).toMatchObject({ json: { arch_sparse_feature_size: 3, dims: [3, 2, 1, 2] } });
  expect(JSON.stringify(made)).toContain("largest dim of its tables, 3, not to 4");
});

test.each(Object.entries(schemes).filter(([name]) => /elements|chunks/.test(name)))(
  "neither can hold %s",
  (_, scheme) => {
    for (const made of [torchrecConfig(scheme), dlrmConfig(scheme)]) {
      expect(made).toBeTypeOf("string");
      expect(made).toContain("one dim for all its rows");
    }
  },
);
