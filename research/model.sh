#!/usr/bin/env bash
# Trains the semantic model from a codec of the recipe, and the voice model on it: data, separation, semantic level,
# speech stream, codebooks, background, voice, figures and card. Each step that is done is skipped, and a
# training that was stopped goes on.
set -euo pipefail
cd "$(dirname "$0")/.."

base=decodec-16k     # codec to start from: a name, or the folder that stage 6 of egs2/decodec exports
out=exp/model        # everything that is written
recordings=          # folder with manifest.tsv, see research.tokens.prepare_data
minutes=             # CPU minutes of each training, for a rehearsal; by default those of the settings
limit=               # number of development recordings to score; all by default
license=             # of the model, for its card
python="${PYTHON:-python3}"

usage() {
    echo "Usage: $0 [--base MODEL] [--out FOLDER] [--recordings FOLDER] [--minutes N] [--limit N] [--license ID]"
    sed -n '2,4s/^# //p' "$0"
}

while [ $# -gt 0 ]; do
    case "$1" in
        --base | --out | --recordings | --minutes | --limit | --license)
            [ $# -gt 1 ] || { echo "$0: $1 needs a value" >&2; exit 2; }
            printf -v "${1#--}" '%s' "$2"
            shift 2
            ;;
        -h | --help) usage; exit 0 ;;
        *) echo "$0: unknown option $1" >&2; usage >&2; exit 2 ;;
    esac
done

export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
bank="${out}/bank"
mkdir -p "${out}"

# Runs the program of a step unless it has run before.
step() {
    local name="$1"
    shift
    if [ -e "${out}/${name}.done" ]; then
        echo "$(date +%T) ${name} is done"
        return
    fi
    echo "$(date +%T) ${name}: $*"
    "${python}" -m "$@" || { echo "$0: ${name} failed; the same call goes on from there" >&2; exit 1; }
    touch "${out}/${name}.done"
}

# The settings of a training with other minutes.
settings() {
    if [ -z "${minutes}" ]; then
        echo "$1"
        return
    fi
    local changed
    changed="${out}/$(basename "$(dirname "$1")")-$(basename "$1")"
    sed -E "s/^minutes:.*/minutes: ${minutes}/; s/^decay_minutes:.*/decay_minutes: ${minutes}/" "$1" > "${changed}"
    echo "${changed}"
}

step data research.tokens.prepare_data --downloads "${out}/downloads" --out "${bank}" \
    ${recordings:+--recordings "${recordings}"}
step separation research.separation.train --start "${base}" --bank "${bank}" --out "${out}/separation" \
    --config "$(settings research/separation/train.yaml)"
step start research.tokens.start --base "${out}/separation/model" --out "${out}/start"
step semantic_features research.tokens.prepare_semantic --model "${out}/start" --bank "${bank}" \
    --out "${out}/semantic_features"
step semantic research.tokens.train_semantic --start "${out}/start" --bank "${out}/semantic_features" \
    --out "${out}/semantic" --config "$(settings research/tokens/semantic.yaml)"
step tokens research.tokens.train --start "${out}/semantic/model" --bank "${bank}" --out "${out}/tokens" \
    --config "$(settings research/tokens/train.yaml)"
step codebooks research.tokens.optimize_codebooks --model "${out}/tokens/model" --bank "${bank}" \
    --out "${out}/codebooks" ${minutes:+--frames 5000 --beams 2 2}
step final research.tokens.train --start "${out}/codebooks" --keep --bank "${bank}" --out "${out}/final" \
    --config "$(settings research/tokens/finetune.yaml)"
step background_features research.background.prepare --model "${out}/final/model" --bank "${bank}" \
    --out "${out}/background_features" ${minutes:+--count 20}
step background research.background.train --start "${out}/final/model" --bank "${out}/background_features" \
    --out "${out}/background" --config "$(settings research/background/train.yaml)"
step voice_features research.voice.prepare_features --model "${out}/final/model" --bank "${bank}" \
    --out "${out}/voice_features"
step voice research.voice.train --codec "${out}/final/model" --bank "${out}/voice_features" --out "${out}/voice" \
    --config "$(settings research/voice/train.yaml)"
step export research.voice.export --voice-model "${out}/voice/model" --codec "${out}/background/model" \
    --out "${out}/models"
model="${out}/models/decodec-16k-semantic"
step scores research.tokens.score --model "${model}" --bank "${bank}" --out "${out}/scores.jsonl" \
    ${limit:+--limit "${limit}"}
step voice_scores research.voice.score --model "${out}/models/voice-16k" --codec "${model}" --bank "${bank}" \
    --out "${out}/voice_scores.jsonl" ${limit:+--limit "${limit}"}
step card research.card --model "${model}" --scores "${out}/scores.jsonl" ${license:+--license "${license}"}
echo "$(date +%T) ${model}: the model and its card; ${out}/models/voice-16k: the voice model"
