#!/usr/bin/env bash
# The comparisons of docs/results.md, sections 3 and 9. Run from the repository root: benchmarks/study.sh [FILTER]
# ENGINE="--engine cpu --threads 1" is for running several at once. Each goes on where it stood; every finished training is a line of
# runs/study/NAME/results.jsonl at once.
set -euo pipefail

DATA=${TRIMTAB_DATASETS:-../shared/datasets}
FILTER=${1:-.}

compare() { # NAME DATASET options...
  local name=$1 dataset=$2
  shift 2
  [[ $name =~ $FILTER ]] || return 0
  echo "== $name"
  bun packages/cli/src/main.ts compare --run "runs/study/$name" --data "$DATA/$dataset" \
    --seeds 1,2,3 --epochs 40 ${ENGINE:-} "$@"
}

dims() { # dims of fields, section 3
  compare "$@" --budgets 50%,25%,10%,5%
}

elements() { # single numbers, section 9: in bytes of the uniform tables, and in numbers alone, as papers count
  local name=$1
  shift
  local methods=smaller-dim,sseds,magnitude,pep
  compare "elements-$name" "$@" --methods $methods --budgets 20%,10%,5%,2%,1%
  compare "elements-$name-numbers" "$@" --methods $methods \
    --budgets "20% parameters,10% parameters,5% parameters,2% parameters,1% parameters"
}

chunks() { # dims of single vectors that change while training
  local name=$1
  shift
  compare "chunks-$name" "$@" --table-optimizer rowAdam --methods fiited,row-pruning,hashed-rows,smaller-dim \
    --budgets 50%,35%,20%,10%,5%,1%
}

faithful() { # PEP as its authors' code does it, section 9
  local name=$1
  shift
  compare "faithful-$name" "$@" --methods pep --budgets 20%,10%,5%,2%,1% --config benchmarks/pep-faithful.json
}

# L2, batch and learning rate: chosen for the base model, by validation AUC
dims ml-small-fm ml-latest-small --model fm --batch 1024 --table-l2 1e-4
dims ml-small-deepfm ml-latest-small --model deepfm --hidden 64,32 --batch 1024 --table-l2 1e-3

CRITEO_FM="criteo-80k --model fm --batch 1024 --table-l2 1e-3"
CRITEO_DEEPFM="criteo-80k --model deepfm --hidden 64,32 --batch 4096 --table-l2 1e-3"
CRITEO_WIDEDEEP="criteo-80k --model widedeep --hidden 64,32 --batch 1024 --table-l2 1e-2"
MOVIELENS_FM="movielens-1m --model fm --batch 4096 --lr 1e-2 --table-l2 1e-5"
MOVIELENS_DEEPFM="movielens-1m --model deepfm --hidden 64,32 --batch 4096 --lr 3e-3 --table-l2 1e-3"
MOVIELENS_WIDEDEEP="movielens-1m --model widedeep --hidden 64,32 --batch 4096 --lr 3e-3 --table-l2 1e-3"
FRAPPE_FM="frappe-x1 --model fm --batch 1024 --lr 5e-3 --table-l2 5e-6"
FRAPPE_DEEPFM="frappe-x1 --model deepfm --hidden 64,32 --batch 1024 --lr 3e-3 --table-l2 1e-3"
FRAPPE_WIDEDEEP="frappe-x1 --model widedeep --hidden 64,32 --batch 1024 --lr 3e-3 --table-l2 1e-3"

dims criteo-fm $CRITEO_FM
dims criteo-deepfm $CRITEO_DEEPFM
dims movielens-1m-fm $MOVIELENS_FM
dims movielens-1m-deepfm $MOVIELENS_DEEPFM

elements criteo-fm $CRITEO_FM
elements criteo-widedeep $CRITEO_WIDEDEEP
elements criteo-deepfm $CRITEO_DEEPFM
elements frappe-fm $FRAPPE_FM
elements frappe-widedeep $FRAPPE_WIDEDEEP
elements frappe-deepfm $FRAPPE_DEEPFM
elements movielens-1m-fm $MOVIELENS_FM
elements movielens-1m-widedeep $MOVIELENS_WIDEDEEP
elements movielens-1m-deepfm $MOVIELENS_DEEPFM

faithful criteo-fm $CRITEO_FM
faithful frappe-fm $FRAPPE_FM
faithful movielens-1m-fm $MOVIELENS_FM

chunks criteo-deepfm criteo-80k --model deepfm --hidden 64,32 --batch 4096 --lookup-l2 1e-2
chunks criteo-dlrm criteo-80k --model dlrm --hidden 64,32 --bottom 64,32 --std 0.01 --batch 1024 --lookup-l2 1e-3
