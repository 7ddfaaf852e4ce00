#!/usr/bin/env bash
# What f16 and int8 rows cost: validation AUC of the exported folder beside the run's, base and compressed. Run from the repository root:
# benchmarks/narrow.sh [SEEDS]. Each export is a JSON file runs/narrow/NAME-SEED/MODEL-PRECISION.json; its manifest.selfTest has the numbers.
set -euo pipefail

DATA=${TRIMTAB_DATASETS:-../shared/datasets}
SEEDS=${1:-1 2 3}

trimtab() {
  bun packages/cli/src/main.ts "$@" ${ENGINE:-}
}

export_all() { # RUN NAME options that say which model...
  local run=$1 name=$2
  shift 2
  for precision in f32 f16 int8; do
    trimtab export --run "$run" --out "$run/out" --force --onnx --no-vocabularies --precision $precision --json "$@" >"$run/$name-$precision.json"
    rm -r "$run/out"
  done
}

narrow() { # NAME METHOD DATASET options...
  local name=$1 method=$2 dataset=$3
  shift 3
  for seed in $SEEDS; do
    local run=runs/narrow/$name-$seed
    trimtab train --run "$run" --data "$DATA/$dataset" --seed "$seed" "$@"
    trimtab search --run "$run" --method "$method" --budget 20%
    trimtab retrain --run "$run" --method "$method" --budget 20%
    export_all "$run" base
    export_all "$run" "$method" --method "$method" --budget 20%
  done
}

narrow criteo-fm pep criteo-80k --model fm --batch 1024 --table-l2 1e-3 --epochs 4
narrow criteo-deepfm pep criteo-80k --model deepfm --hidden 64,32 --batch 1024 --table-l2 1e-3 --epochs 3
narrow movielens-1m-fm sseds movielens-1m --model fm --batch 4096 --lr 1e-2 --table-l2 1e-5 --epochs 4
narrow movielens-1m-deepfm sseds movielens-1m --model deepfm --hidden 64,32 --batch 4096 --lr 3e-3 --table-l2 1e-3 --epochs 4
