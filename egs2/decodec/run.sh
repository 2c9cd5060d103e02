#!/usr/bin/env bash
# DeCodec on the corpus `mini`, `standard` or `own`: ./run.sh [--size standard] [--stage N] [any option of the script that has that stage]
# Stages 1 to 11, the codec and its comparison, are in decodec.sh; 12 to 16, speech recognition, in asr.sh; 17 to 21, speech
# synthesis, in tts.sh. A call stays within one of them.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

size=mini
train_set=train
valid_set=dev
test_sets="test"

stage=1
previous=
for argument in "$@"; do
    if [ "${previous}" = --stage ]; then stage=${argument}; fi
    previous=${argument}
done
script=./decodec.sh
if [[ "${stage}" =~ ^[0-9]+$ ]]; then
    if [ "${stage}" -ge 12 ]; then script=./asr.sh; fi
    if [ "${stage}" -ge 17 ]; then script=./tts.sh; fi
fi

${script} \
    --size "${size}" \
    --train_set "${train_set}" \
    --valid_set "${valid_set}" \
    --test_sets "${test_sets}" \
    "$@"
