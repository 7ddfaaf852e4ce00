#!/usr/bin/env bash
# The comparisons of docs/results.md, section 3. Run from the repository root: benchmarks/study.sh [FILTER]
# Each goes on where it stood; every finished training is a line of runs/study/NAME/results.jsonl at once.
set -euo pipefail

DATA=${TRIMTAB_DATASETS:-../shared/datasets}
FILTER=${1:-.}

compare() { # NAME DATASET options...
  local name=$1 dataset=$2
  shift 2
  [[ $name =~ $FILTER ]] || return 0
  echo "== $name"
  bun packages/cli/src/main.ts compare --run "runs/study/$name" --data "$DATA/$dataset" \
    --budgets 50%,25%,10%,5% --seeds 1,2,3 --epochs 40 "$@"
}

# L2 and batch: chosen for the base model, by validation AUC
compare ml-small-fm ml-latest-small --model fm --batch 1024 --table-l2 1e-4
compare ml-small-deepfm ml-latest-small --model deepfm --hidden 64,32 --batch 1024 --table-l2 1e-3
compare criteo-fm criteo-80k --model fm --batch 1024 --table-l2 1e-3
compare criteo-deepfm criteo-80k --model deepfm --hidden 64,32 --batch 4096 --table-l2 1e-3
compare movielens-1m-fm movielens-1m --model fm --batch 4096 --lr 1e-2 --table-l2 1e-5
compare movielens-1m-deepfm movielens-1m --model deepfm --hidden 64,32 --batch 4096 --lr 3e-3 --table-l2 1e-3
