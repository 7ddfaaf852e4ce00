// The Python beside the configurations: it parses, and does with stand-ins for torch, torchrec and dlrm what it is written for. The
// stand-ins have the names and signatures that these projects have, and refuse what they refuse; the projects themselves are not run.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { dlrmConfig, torchrecConfig } from "../src/index.ts";
import { schemesOf } from "./support/setting.ts";

const python = Bun.which("python3");
if (python === null)
  console.log("not run: the Python of exported configurations. There is no python3 on the PATH.");

const root = mkdtempSync(join(tmpdir(), "trimtab-python-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function put(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
}

function run(...args: string[]): { readonly code: number; readonly out: string; readonly err: string } {
  const done = Bun.spawnSync([python!, ...args], {
    cwd: root,
    env: { ...process.env, PYTHONPATH: join(root, "stand-ins"), PYTHONDONTWRITEBYTECODE: "1" },
  });
  return { code: done.exitCode, out: done.stdout.toString(), err: done.stderr.toString() };
}

describe.skipIf(python === null)("with python3", () => {
  const scheme = schemesOf(3)["per field, projected"]!;
  const made = { torchrec: torchrecConfig(scheme), dlrm: dlrmConfig(scheme) };
  for (const [name, config] of Object.entries(made)) {
    if (typeof config === "string") throw new Error(config);
    put({
      [`configs/${name}.json`]: JSON.stringify(config.json),
      [`configs/${config.script}`]: config.python,
    });
  }

  test.each(["torchrec_tables", "run_dlrm"])("%s.py parses", (name) => {
    const parse = "import ast, sys; ast.parse(open(sys.argv[1]).read())";
    expect(run("-c", parse, `configs/${name}.py`)).toEqual({ code: 0, out: "", err: "" });
    writeFileSync(join(root, "broken.py"), "def f(:\n");
    expect(run("-c", parse, "broken.py").code).toBe(1);
  });

  test("run_dlrm.py hands dlrm_s_pytorch its options and the found dims", () => {
    put({
      "stand-ins/torch.py": `
class tensor:
    def __init__(self, values):
        self.values = list(values)

    def tolist(self):
        return self.values
`,
      "dlrm/tricks/__init__.py": "",
      "dlrm/tricks/md_embedding_bag.py": `
def md_solver(n, alpha, d0=None, B=None, round_dim=True, k=None):
    raise SystemExit("the dims were computed, not taken")
`,
      // imports and calls the solver as the real one does
      "dlrm/dlrm_s_pytorch.py": `
import argparse
import json

import torch
from tricks.md_embedding_bag import md_solver

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--arch-sparse-feature-size", type=int, default=2)
    parser.add_argument("--arch-embedding-size", type=str, default="4-3-2")
    parser.add_argument("--arch-mlp-bot", type=str, default="4-3-2")
    parser.add_argument("--md-flag", action="store_true", default=False)
    parser.add_argument("--md-threshold", type=int, default=200)
    parser.add_argument("--md-temperature", type=float, default=0.3)
    parser.add_argument("--md-round-dims", action="store_true", default=False)
    args = parser.parse_args()
    ln_emb = [int(n) for n in args.arch_embedding_size.split("-")]
    m_spa = args.arch_sparse_feature_size
    if args.md_flag:
        m_spa = md_solver(
            torch.tensor(ln_emb), args.md_temperature, d0=m_spa, round_dim=args.md_round_dims
        ).tolist()
    print(json.dumps({**vars(args), "ln_emb": ln_emb, "m_spa": m_spa}))
`,
    });
    const { code, out, err } = run("configs/run_dlrm.py", "dlrm", "--arch-mlp-bot=13-8-4");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(JSON.parse(out)).toMatchObject({
      ...{ md_flag: true, md_threshold: 0, arch_sparse_feature_size: 4, arch_mlp_bot: "13-8-4" },
      ...{ ln_emb: [40, 9, 5, 6], m_spa: [4, 2, 1, 2] },
    });
    const alone = run("configs/run_dlrm.py");
    expect(alone.code).toBe(1);
    expect(alone.err).toContain("python run_dlrm.py PATH_TO_DLRM");
  });

  test("torchrec_tables.py builds the tables and fills each from its field", () => {
    put({
      "stand-ins/torch.py": `
import contextlib

device = str
no_grad = contextlib.nullcontext
`,
      "stand-ins/torchrec.py": `
import dataclasses
import enum


class PoolingType(enum.Enum):
    SUM = "SUM"
    MEAN = "MEAN"


@dataclasses.dataclass
class EmbeddingBagConfig:
    num_embeddings: int
    embedding_dim: int
    name: str = ""
    feature_names: list = dataclasses.field(default_factory=list)
    pooling: PoolingType = PoolingType.SUM


class Weight:
    def __init__(self, shape):
        self.shape = shape

    def copy_(self, other):
        assert other == self.shape, (other, self.shape)
        self.filled = True


class Bag:
    def __init__(self, config):
        self.weight = Weight([config.num_embeddings, config.embedding_dim])


class EmbeddingBagCollection:
    def __init__(self, tables, is_weighted=False, device=None):
        self.tables = tables
        self.embedding_bags = {}
        for table in tables:
            # what PyTorch's ModuleDict refuses as a name
            assert isinstance(table.pooling, PoolingType)
            assert "." not in table.name and not hasattr(self, table.name) and table.name != "", table.name
            self.embedding_bags[table.name] = Bag(table)
`,
      "stand-ins/safetensors/__init__.py": "",
      // shapes in place of numbers, under the names of our file
      "stand-ins/safetensors/torch.py": `
import pathlib


class Bytes:
    def float(self):
        return self

    def __mul__(self, scales):
        assert scales == "a column of scales"
        return [40, 4]


class Scales:
    def __getitem__(self, index):
        assert index == (slice(None), None)
        return "a column of scales"


def load_file(path):
    assert pathlib.Path(path).name == "embeddings.safetensors", path
    return {
        "user/table": Bytes(),
        "user/table.scales": Scales(),
        "genres/weights/table": [9, 2],
        "hour/table": [5, 1],
        "tags/table": [6, 2],
    }
`,
      "use.py": `
import sys

sys.path.insert(0, "configs")
import torchrec_tables as made

bags = made.tables(weights=True)
print(len(bags.tables), all(bag.weight.filled for bag in bags.embedding_bags.values()))
print([table.pooling.value for table in bags.tables])
`,
    });
    expect(run("use.py")).toEqual({ code: 0, out: "4 True\n['SUM', 'MEAN', 'SUM', 'MEAN']\n", err: "" });
  });
});
