#!/usr/bin/env bash
# The comparisons of docs/results.md, sections 3 and 9. Run from the repository root: benchmarks/study.sh STUDY [OPTIONS OF compare ...]
#   benchmarks/study.sh elements --cells 'criteo/*' --jobs 2
# Each goes on where it stood, and none trains what another one has: every finished training is kept in runs/study/trials.
# Settings of each dataset and model (L2, batch, learning rate: chosen for the base model by validation AUC) are in benchmarks/study.json.
set -euo pipefail

compare() { # NAME options...
  local name=$1
  shift
  bun packages/cli/src/main.ts compare --config benchmarks/study.json --run "runs/study/$name" "$@"
}

study=${1:?dims, elements, numbers or faithful}
shift
case $study in
  dims) # dims of fields, section 3
    compare dims --methods sseds,smaller-dim,smaller-dim-projected,dims-by-size,random-dims --budgets 50%,25%,10%,5% "$@"
    ;;
  elements) # single numbers, section 9, in bytes of the uniform tables
    compare elements --methods smaller-dim,sseds,magnitude,pep --budgets 20%,10%,5%,2%,1% "$@"
    ;;
  numbers) # the same in numbers alone, as papers count
    compare numbers --methods magnitude,pep \
      --budgets "20% parameters,10% parameters,5% parameters,2% parameters,1% parameters" "$@"
    ;;
  faithful) # PEP as its authors' code does it
    compare faithful --methods pep-faithful --budgets 20%,10%,5%,2%,1% "$@"
    ;;
  *)
    echo "there is no study \"$study\"; they are dims, elements, numbers, faithful" >&2
    exit 2
    ;;
esac
