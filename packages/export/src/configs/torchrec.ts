/** A TorchRec configuration: what EmbeddingBagConfig takes, a table a field, and a few lines of Python that build and fill it. */

import type { Scheme } from "@trimtab/embeddings";
import { plainTables } from "./tables.ts";

export interface OtherTrainer {
  readonly json: unknown;
  readonly python: string;
}

/** The configuration, or a sentence why TorchRec cannot hold the scheme. Multi-valued fields are pooled by their mean, as here. */
export function torchrecConfig(scheme: Scheme): OtherTrainer | string {
  const plain = plainTables(scheme);
  if (typeof plain === "string") return `TorchRec: ${plain}`;
  const json = {
    format: "trimtab-torchrec",
    tables: plain.tables.map(({ field, rows, dim, multi }) => ({
      name: field,
      num_embeddings: rows,
      embedding_dim: dim,
      feature_names: [field],
      pooling: multi ? "MEAN" : "SUM",
    })),
    base_dim: plain.base,
    fields_without_table: plain.dropped,
    notes: plain.notes,
  };
  return { json, python: PYTHON };
}

const PYTHON = `"""Builds torchrec tables of the dims in torchrec.json; with weights (float32 exports) they are filled too."""
import json
import pathlib

import torch
from torchrec import EmbeddingBagCollection, EmbeddingBagConfig, PoolingType

HERE = pathlib.Path(__file__).parent


def tables(weights=False, device="cpu"):
    config = json.loads((HERE / "torchrec.json").read_text())
    made = [
        EmbeddingBagConfig(**{**table, "pooling": PoolingType[table["pooling"]]})
        for table in config["tables"]
    ]
    bags = EmbeddingBagCollection(tables=made, device=torch.device(device))
    if weights:
        from safetensors.torch import load_file

        stored = load_file(HERE.parent / "embeddings.safetensors")
        with torch.no_grad():
            for name, bag in bags.embedding_bags.items():
                bag.weight.copy_(stored[f"{name}/table"])
    return bags
`;
