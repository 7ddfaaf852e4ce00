#!/usr/bin/env bash
# The table of docs/results.md, section 8: five models with the public benchmark's settings, five seeds each. Run from the repository
# root: benchmarks/frappe.sh [FILTER]. Each run goes on where it stood; a finished one is not repeated.
set -euo pipefail

DATA=${TRIMTAB_DATASETS:-../shared/datasets}
FILTER=${1:-.}

run() { # NAME options...
  local folder=runs/frappe/$1
  [[ $1 =~ $FILTER && ! -f $folder.json ]] || return 0
  shift
  echo "== $folder"
  bun packages/cli/src/main.ts train --run "$folder" --resume --data "$DATA/frappe-x1" \
    --epochs 100 --batch 4096 --lr 1e-3 --std 1e-4 "$@"
  bun packages/cli/src/main.ts evaluate --run "$folder" --baseline --json > "$folder.tmp"
  mv "$folder.tmp" "$folder.json"
}

TOWER=(--dim 10 --hidden 400,400,400 --batch-norm)
for seed in 1 2 3 4 5; do
  run "lr-$seed" --model lr --table-l2 1e-5 --seed "$seed"
  run "fm-$seed" --model fm --dim 10 --table-l2 5e-6 --seed "$seed"
  run "deepfm-$seed" --model deepfm "${TOWER[@]}" --dropout 0.2 --table-l2 0.05 --seed "$seed"
  run "dnn-$seed" --model dnn "${TOWER[@]}" --dropout 0.2 --table-l2 0.05 --seed "$seed"
  run "widedeep-$seed" --model widedeep "${TOWER[@]}" --dropout 0.6 --table-l2 0.1 --seed "$seed"
done
