/** A TorchRec configuration: what EmbeddingBagConfig takes, a table a field, and a few lines of Python that build and fill it. */

import type { Scheme } from "@trimtab/embeddings";
import { plainTables } from "./tables.ts";

export interface OtherTrainer {
  readonly json: unknown;
  /** File name of the Python. Not the library's: a script's own folder is where Python looks first. */
  readonly script: string;
  readonly python: string;
}

/** The configuration, or a sentence why TorchRec cannot hold the scheme. Multi-valued fields are pooled by their mean, as here. */
export function torchrecConfig(scheme: Scheme): OtherTrainer | string {
  const plain = plainTables(scheme);
  if (typeof plain === "string") return `TorchRec: ${plain}`;
  const json = {
    format: "trimtab-torchrec",
    tables: plain.tables.map(({ field, rows, dim, multi }, i) => ({
      name: moduleName(field, i),
      num_embeddings: rows,
      embedding_dim: dim,
      feature_names: [field],
      pooling: multi ? "MEAN" : "SUM",
    })),
    base_dim: plain.base,
    fields_without_table: plain.dropped,
    notes: plain.notes,
  };
  return { json, script: "torchrec_tables.py", python: PYTHON };
}

/** Tables become PyTorch modules: their names may have no dots, and must not be those of a module's own attributes ("type"). */
const moduleName = (field: string, i: number) => `t${i}_${field.replace(/[^A-Za-z0-9_]+/g, "_")}`;

const PYTHON = `"""Builds torchrec tables of the dims in torchrec.json; with weights they are filled too."""
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
            for table in config["tables"]:
                (field,) = table["feature_names"]
                values = stored[f"{field}/table"]
                # int8: a scale a row
                scales = stored.get(f"{field}/table.scales")
                if scales is not None:
                    values = values.float() * scales[:, None]
                bags.embedding_bags[table["name"]].weight.copy_(values)
    return bags
`;
