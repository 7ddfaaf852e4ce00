#!/usr/bin/env bash
# The comparisons of docs/results.md, sections 3, 9 and 12. Run from the repository root: benchmarks/study.sh STUDY [OPTIONS OF compare ...]
#   benchmarks/study.sh elements --cells 'criteo/*' --jobs 2
# Each goes on where it stood, and none trains what another one has: every finished training is kept in runs/study/trials.
# Settings of each dataset and model (L2, batch, learning rate: chosen for the base model by validation AUC) are in benchmarks/study.json.
set -euo pipefail

compare() { # NAME options...
  local name=$1
  shift
  bun packages/cli/src/main.ts compare --config benchmarks/study.json --run "runs/study/$name" "$@"
}

# the synthetic one of the datasets; with its seed it is the same log everywhere
planted_log() {
  local log=runs/datasets/planted-80k
  [[ -f $log/truth.json ]] || bun packages/cli/src/main.ts generate --rows 80000 --seed 1 --format parquet --out "$log"
}

CELLS='criteo/fm,criteo/widedeep,criteo/deepfm,frappe/fm,frappe/widedeep,frappe/deepfm,movielens/fm,movielens/widedeep,movielens/deepfm'
study=${1:?dims, elements, numbers, faithful, all or fewer}
shift
case $study in
  all) # every method with its defaults at 50 to 2% of the bytes, section 12; the quickest sets first
    planted_log
    for data in planted criteo frappe movielens; do
      compare all --methods sseds,pep,adass,fiited,smaller-dim,smaller-dim-projected,dims-by-size,random-dims,hashed-rows,row-pruning,magnitude \
        --budgets 50%,20%,10%,5%,2% --seeds 1,2,3,4,5 --cells "$data/fm,$data/deepfm,$data/dlrm" "$@"
    done
    ;;
  dims) # dims of fields, section 3
    compare dims --cells 'ml-small/*,criteo/fm,criteo/deepfm,movielens/fm,movielens/deepfm' --methods sseds,smaller-dim,smaller-dim-projected,dims-by-size,random-dims --budgets 50%,25%,10%,5% "$@"
    ;;
  elements) # single numbers, section 9, in bytes of the uniform tables
    compare elements --cells "$CELLS" --methods smaller-dim,sseds,magnitude,pep --budgets 20%,10%,5%,2%,1% "$@"
    ;;
  numbers) # the same in numbers alone, as papers count
    compare numbers --cells "$CELLS" --methods magnitude,pep \
      --budgets "20% parameters,10% parameters,5% parameters,2% parameters,1% parameters" "$@"
    ;;
  faithful) # PEP as its authors' code does it
    compare faithful --cells "$CELLS" --methods pep-faithful --budgets 20%,10%,5%,2%,1% "$@"
    ;;
  fewer) # a fifth fewer numbers, AdaS&S's headline, section 12
    planted_log
    for data in planted movielens frappe criteo; do
      compare fewer --methods adass,sseds,dims-by-size,smaller-dim --budgets "80% parameters" --seeds 1,2,3,4,5 \
        --cells "$data/fm,$data/deepfm,$data/dlrm" "$@"
    done
    ;;
  *)
    echo "there is no study \"$study\"; they are dims, elements, numbers, faithful, all, fewer" >&2
    exit 2
    ;;
esac
