#!/usr/bin/env bash
# DeCodec on the corpus `mini`, `standard` or `own`: ./run.sh [--size standard] [any option of decodec.sh]

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

size=mini
train_set=train
valid_set=dev
test_sets="test"

./decodec.sh \
    --size "${size}" \
    --train_set "${train_set}" \
    --valid_set "${valid_set}" \
    --test_sets "${test_sets}" \
    "$@"
