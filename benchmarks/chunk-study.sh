#!/usr/bin/env bash
# The study of chunks that come and go while training, for docs/results.md. Run from the repository root: benchmarks/chunk-study.sh [FILTER]
# Every trial is a process of its own and a file of runs/chunk-study/NAME; the same command goes on where it stood. Cpu engine.
#   TRIMTAB_DATASETS  folder of the prepared datasets (default ../shared/datasets); the generated log is made in runs/datasets
#   THREADS           threads of the cpu engine (default 1, for running several at once)
#   EQUAL             what baselines get of fiited's total training bytes: end (default, steady state) or peak
#   SEEDS, SHARES     default 1,2,3 and 0,50,65,80,90,95,99
# Trials of other machines: bun benchmarks/src/chunk-study/pack.ts unpack benchmarks/results/chunk-study.jsonl.gz runs/chunk-study
# Tables and pictures of what is there: TABLES=1 benchmarks/chunk-study.sh [FILTER]
set -euo pipefail

DATA=${TRIMTAB_DATASETS:-../shared/datasets}
FILTER=${1:-.}
DRIFT=runs/datasets/drift-2m

# a million rows in time order over 2 million values of ten fields, of which those popular change twice; synthetic
drifting_log() {
  [[ -f $DRIFT/manifest.json ]] && return
  mkdir -p runs/datasets
  bun packages/cli/src/main.ts generate --rows 1000000 --features 2000000 --drift 2 --format parquet --seed 1 \
    --out runs/datasets/drift-2m-log --force
  bun packages/cli/src/main.ts prepare runs/datasets/drift-2m-log --out "$DRIFT"
}

study() { # NAME FOLDER options...
  local name=$1 folder=$2
  shift 2
  [[ $name =~ $FILTER ]] || return 0
  local out=runs/chunk-study/$name
  if [[ -n ${TABLES:-} ]]; then
    [[ -d $out ]] || return 0
    printf '\n## %s\n\n' "$name"
    bun benchmarks/src/chunk-study/main.ts --out "$out" --equal "${EQUAL:-end}" --tables --picture "docs/pictures/chunks-$name.svg"
    return
  fi
  echo "== $name"
  [[ $folder != "$DRIFT" ]] || drifting_log
  bun benchmarks/src/chunk-study/main.ts --data "$folder" --out "$out" --equal "${EQUAL:-end}" --threads "${THREADS:-1}" \
    --seeds "${SEEDS:-1,2,3}" --shares "${SHARES:-0,50,65,80,90,95,99}" --hidden 64,32 "$@"
}

# L2, batch and learning rate: chosen for the dense model by row-wise Adam, by validation AUC of one seed
study criteo-deepfm "$DATA/criteo-80k" --model deepfm --batch 4096 --lookup-l2 1e-2 --epochs 40
study criteo-dlrm "$DATA/criteo-80k" --model dlrm --bottom 64,32 --std 0.01 --batch 1024 --lookup-l2 1e-3 --epochs 40
# training these tables takes 1.8 MiB: the usual 1 MiB for candidates would be most of what chunks can save
study movielens-1m-deepfm "$DATA/movielens-1m" --model deepfm --batch 4096 --lr 3e-3 --lookup-l2 1e-3 --epochs 40 --candidate-bytes 65536
study movielens-1m-dlrm "$DATA/movielens-1m" --model dlrm --std 0.01 --batch 1024 --lr 3e-3 --lookup-l2 1e-3 --epochs 40 --candidate-bytes 65536
# the first epoch is the best here: a ramp of the usual ten expected epochs would leave no weights within the budget before all get worse
study drift-deepfm "$DRIFT" --model deepfm --batch 1024 --lr 1e-2 --lookup-l2 1e-4 --epochs 10 --expected-epochs 2
study drift-dlrm "$DRIFT" --model dlrm --std 0.01 --batch 1024 --lr 3e-3 --lookup-l2 1e-4 --epochs 10 --expected-epochs 2
