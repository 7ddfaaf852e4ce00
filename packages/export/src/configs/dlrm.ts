/**
 * A configuration for facebookresearch/dlrm, whose "mixed dimension" mode (\`--md-flag\`) gives tables dims of their own and each smaller one a
 * linear map to the base dim. Its command line computes the dims from sizes and a temperature; the Python beside the JSON puts the found ones in.
 */
import type { Scheme } from "@trimtab/embeddings";
import { plainTables } from "./tables.ts";
import type { OtherTrainer } from "./torchrec.ts";

/** The configuration, or a sentence why DLRM cannot hold the scheme. */
export function dlrmConfig(scheme: Scheme): OtherTrainer | string {
  const plain = plainTables(scheme);
  if (typeof plain === "string") return `DLRM: ${plain}`;
  const { tables, base, dropped, notes } = plain;
  const pooled = tables.filter(({ multi }) => multi).map(({ field }) => field);
  const more =
    pooled.length > 0
      ? [`DLRM sums the vectors of a multi-valued field, here they are averaged: ${pooled.join(", ")}.`]
      : [];
  const projection = "projection" in scheme ? scheme.projection : "none";
  const mapped =
    projection !== "linear" && tables.some(({ dim }) => dim < base)
      ? [
          "DLRM gives every smaller table a linear map, which this scheme does not have: the dims carry over, the weights do not.",
        ]
      : [];
  // DLRM maps all tables to the largest dim among them, whatever the feature size says
  const largest = Math.max(...tables.map(({ dim }) => dim));
  const lower =
    largest < base
      ? [
          `DLRM maps to the largest dim of its tables, ${largest}, not to ${base}: linear maps do not carry over.`,
        ]
      : [];
  const json = {
    format: "trimtab-dlrm",
    arch_sparse_feature_size: largest,
    arch_embedding_size: tables.map(({ rows }) => rows).join("-"),
    md_flag: true,
    md_threshold: 0,
    dims: tables.map(({ dim }) => dim),
    tables: tables.map(({ field }) => field),
    fields_without_table: dropped,
    notes: [
      ...notes,
      ...more,
      ...mapped,
      ...lower,
      `The bottom MLP (--arch-mlp-bot) must end in ${largest}.`,
    ],
  };
  return { json, script: "run_dlrm.py", python: PYTHON };
}

const PYTHON = `"""Runs dlrm_s_pytorch.py of facebookresearch/dlrm with the dims in dlrm.json: python run_dlrm.py PATH_TO_DLRM [its options]."""
import json
import pathlib
import runpy
import sys

if len(sys.argv) < 2:
    sys.exit(__doc__)

import torch  # noqa: E402

config = json.loads((pathlib.Path(__file__).parent / "dlrm.json").read_text())
sys.path.insert(0, sys.argv[1])
import tricks.md_embedding_bag as mixed  # noqa: E402

# dlrm_s_pytorch imports the solver by name, and finds this one
mixed.md_solver = lambda *_, **__: torch.tensor(config["dims"])
sys.argv = [
    "dlrm_s_pytorch.py",
    "--md-flag",
    "--md-threshold=0",
    f"--arch-sparse-feature-size={config['arch_sparse_feature_size']}",
    f"--arch-embedding-size={config['arch_embedding_size']}",
    *sys.argv[2:],
]
runpy.run_path(str(pathlib.Path(sys.path[0]) / "dlrm_s_pytorch.py"), run_name="__main__")
`;
