#!/usr/bin/env bash
# Text to speech with the background under control, from transcribed recordings to scores; see --help.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# General
stage=17               # First stage to run.
stop_stage=21          # Last stage to run.
skip_data_prep=false   # Leave out stage 17.
skip_train=false       # Leave out stages 18 and 19.
skip_eval=false        # Leave out stages 20 and 21.
ngpu=auto              # GPUs on each machine; 0 = CPU; auto = 1 where nvidia-smi lists one, else 0.
num_nodes=1            # Machines for training.
nj=2                   # Processes at a time outside of training.
datadir=data           # Data directories that stage 1 wrote.
dumpdir=dump           # What is made of them: sets, tokens, prompts.
expdir=exp             # Experiments.
python=python3         # Python to run everything with.

# Data
size=mini              # mini, standard or own, as in stage 1.
train_set=train        # Transcribed voices are looked for in <datadir>/<size>/speech_ of this,
valid_set=dev          # of this,
test_sets="test"       # and of these; the noise of prompts is that of background_ of the first, in training of train_set.
tts_voices=            # Speakers, or beginnings of names; empty = festvox_ru for standard, asterisk_ru for mini, all for own.
tts_data_opts=         # Further options of `decodec recipe tts_data`, e.g. "--max_seconds 10".
prompt_snr=5           # dB of the speech over the background in the noisy prompts of the test set.
prompt_denoiser=       # Noisy prompts also denoised first, and not separated: gtcrn, dtln, ... as decodec evaluate --systems takes them.
train_prompt_snrs="0 20"  # Lowest and highest of those in training, where half of the prompts are noisy.
language=ru            # ISO 639-1 code of what the recognizer of stage 21 is to hear.

# Training
codec=shipped          # Folder of a saved codec; shipped = the package's.
tts_config=            # Config of the model; by default conf/tts/train_tts.yaml, for mini train_tts_mini.yaml.
tts_args=              # Options of training that win over the config, e.g. "--seed 1 --max_epoch 5".
tts_tag=               # Name of the experiment; by default made of config, data, codec and tts_args.
tts_exp=               # Folder of the experiment; by default <expdir>/tts_<tag>.
train_threads=1        # CPU threads of each training process.
inference_tts_model=valid.loss.best.pth  # Checkpoint of the experiment that is exported.

# Evaluation
inference_args=        # Further options of espnet2_decodec.bin.tts_inference, e.g. "--speed 0.9".
inference_tag=         # Name of the results' folder; by default made of inference_args.
score_opts=            # Further options of `decodec recipe tts_score`, e.g. "--recognizer none --limit 5".
keep=2                 # Utterances that can be listened to on the page of stage 11.

help_message="Usage: $0 [--option value] ...

Stages: 17 data and tokens, 18 statistics, 19 training and export, 20 speech under every background, 21 scores.
        Stage 1 of run.sh comes first. A stage that is done already is not done again.
$(sed -n '/^# General/,/^help_message=/p' "${BASH_SOURCE[0]##*/}" \
    | sed -nE -e 's/^# (.*)/\n\1/p' -e 's/^([a-z_]+)=([^ ]*) *# (.*)/    --\1 [\2] \3/p')"

run_args=$(printf '%q ' "$@")
. utils/parse_options.sh
. utils/common.sh
. ./path.sh
. ./cmd.sh
[ $# -eq 0 ] || die "no arguments are expected beside options, but there is '$1'"

resolve_ngpu
if [ -z "${tts_voices}" ]; then
    case "${size}" in
        mini) tts_voices=asterisk_ru ;;
        standard) tts_voices=festvox_ru ;;
    esac
fi
if [ -z "${tts_config}" ]; then
    tts_config=conf/tts/train_tts.yaml
    if [ "${size}" = mini ]; then tts_config=conf/tts/train_tts_mini.yaml; fi
fi
[ -f "${tts_config}" ] || die "there is no config ${tts_config}: give --tts_config one of conf/tts"

set_tag=$(as_tag "${tts_voices:-all}")${tts_data_opts:+_$(as_tag "${tts_data_opts}")}
dump=${dumpdir}/${size}/tts/${set_tag}
codec_opts=()
codec_file=("${MAIN_ROOT}"/espnet2_decodec/pretrained/*/config.json)
codec_tag=shipped
if [ "${codec}" != shipped ]; then
    codec_opts=(--model "${codec}")
    codec_file=("${codec}/config.json")
    codec_tag=$(basename "$(dirname "${codec}")")-$(basename "${codec}")
fi
tokens=${dump}/tokens_${codec_tag}
train_prompts=prompts_train_$(as_tag "${train_prompt_snrs}")
if [ -z "${tts_tag}" ]; then
    tts_tag=$(basename "${tts_config}" .yaml)
    tts_tag=${tts_tag#train_tts_}
    tts_tag=${tts_tag#train_}_${size}_${set_tag}_${codec_tag}${tts_args:+_$(as_tag "${tts_args}")}
fi
tts_exp=${tts_exp:-${expdir}/tts_${tts_tag}}
stats=${expdir}/tts_stats_${size}_${set_tag}_${codec_tag}
model=${tts_exp}/model
results=${tts_exp}/${inference_tag:-say${inference_args:+_$(as_tag "${inference_args}")}}

data_opts=(--token_list "${dump}/tokens.json" --train_utt2spk "${dump}/train/utt2spk" --valid_utt2spk "${dump}/dev/utt2spk")
if [ "${codec}" != shipped ]; then data_opts+=(--codec "${codec}"); fi
for part in train/train valid/dev; do
    data_opts+=("--${part%/*}_data_path_and_name_and_type" "${dump}/${part#*/}/text,text,text"
        "--${part%/*}_data_path_and_name_and_type" "${tokens}/${part#*/}/codes_speech.scp,speech_codes,npy")
done
data_opts+=(--train_data_path_and_name_and_type "${tokens}/${train_prompts}/codes_speech.scp,prompt_codes,npy")

tokenize() { # tokenize NAME SCP: speech tokens of recordings
    if [ "${codec_file[0]}" -nt "${tokens}/$1/made_with.json" ]; then rm -rf "${tokens:?}/$1"; fi
    logfile=${tokens}/log/tokenize_$1.log
    ${train_cmd} "${logfile}" ${python} -m espnet2_decodec recipe tokenize "${codec_opts[@]}" --nj "${nj}" --background_levels 0 \
        --scp "$2" --out "${tokens}/$1" || fail "${logfile}"
    need "${tokens}/$1/codes_speech.scp" "${logfile}"
}

make_prompts() { # make_prompts SET BACKGROUND OUT LOW HIGH [OPTION ...]: for each recording another of the same voice, clean and in noise
    need "${datadir}/${size}/background_$2/wav.scp" "stage 1"
    logfile=${dump}/log/prompts_$1.log
    ${train_cmd} "${logfile}" ${python} -m espnet2_decodec recipe tts_prompts --data "${dump}/$1" \
        --background "${datadir}/${size}/background_$2" --out "$3" --snrs "${@:4}" || fail "${logfile}"
    need "$3/noisy.scp" "${logfile}"
}

follow_tts() { # follow_tts LOG: one line for each epoch
    tail -n +1 -F --pid $$ "$1" 2> /dev/null | sed -u -nE -e 's/^.*INFO: (epoch [0-9]+\/[0-9]+, step .*)/\1/p' \
        -e 's/^.*INFO: ([0-9]+)epoch results: \[train\].* loss=([^,]+),.*\[valid\].* loss=([^,]+),.*/epoch \1: training loss \2, validation loss \3/p' &
    follower=$!
}

log "$0 ${run_args}"

if ! ${skip_data_prep} && runs 17; then
    log "Stage 17: data of ${tts_voices:-all voices}, and tokens: ${datadir}/${size} -> ${dump}"
    speech=()
    for name in "${train_set}" "${valid_set}" ${test_sets}; do
        need "${datadir}/${size}/speech_${name}/wav.scp" "stage 1"
        speech+=("${datadir}/${size}/speech_${name}")
    done
    options="${tts_voices} ${tts_data_opts}"
    if ! up_to_date "${dump}/.done" "${options}" "${speech[@]/%//wav.scp}"; then
        logfile=${dump}/log/data.log
        # shellcheck disable=SC2086
        ${train_cmd} "${logfile}" ${python} -m espnet2_decodec recipe tts_data --data "${speech[@]}" --out "${dump}" \
            --voices ${tts_voices} ${tts_data_opts} || fail "${logfile}"
        need "${dump}/tokens.json" "${logfile}"
        grep recordings "${logfile}"
        done_with "${dump}/.done" "${options}"
    fi
    for name in train dev test; do tokenize "${name}" "${dump}/${name}/wav.scp"; done
    if ! up_to_date "${dump}/${train_prompts}/.done" "" "${dump}/train/wav.scp"; then
        rm -rf "${dump:?}"/tokens_*/"${train_prompts}"
        # shellcheck disable=SC2086
        make_prompts train "${train_set}" "${dump}/${train_prompts}" ${train_prompt_snrs} --kinds noisy
        done_with "${dump}/${train_prompts}/.done" ""
    fi
    tokenize "${train_prompts}" "${dump}/${train_prompts}/noisy.scp"
fi

if ! ${skip_train}; then
    if runs 18; then
        log "Stage 18: statistics: ${stats}"
        need "${tokens}/train/codes_speech.scp" "stage 17"
        if ! up_to_date "${stats}/.done" "${codec}" "${dump}/tokens.json" "${codec_file[0]}"; then
            logfile=${stats}/log/collect.log
            ${train_cmd} "${logfile}" ${python} -m espnet2_decodec.bin.tts_train --collect_stats true --config "${tts_config}" \
                --output_dir "${stats}" "${data_opts[@]}" --ngpu 0 --batch_type unsorted --batch_size 16 || fail "${logfile}"
            need "${stats}/train/features_stats.npz" "${logfile}"
            need "${stats}/valid/text_shape" "${logfile}"
            done_with "${stats}/.done" "${codec}"
        fi
    fi

    if runs 19; then
        log "Stage 19: training: ${tts_exp}, $([ "${ngpu}" = 0 ] && echo "on the CPU" || echo "${ngpu} GPU(s)")"
        need "${stats}/train/features_stats.npz" "stage 18"
        options="${codec} ${tts_args}"
        if ! up_to_date "${tts_exp}/.trained" "${options}" "${tts_config}" "${stats}/train/features_stats.npz"; then
            logfile=${tts_exp}/log/train.$(date +%Y%m%d_%H%M%S).log
            mkdir -p "${tts_exp}/log"
            printf '#!/usr/bin/env bash\n# Start or resume this training, and what follows.\ncd %q && exec ./tts.sh %s--stage 19 "$@"\n' \
                "${PWD}" "${run_args}" > "${tts_exp}/run.sh"
            chmod +x "${tts_exp}/run.sh"
            ln -sfn "log/${logfile##*/}" "${tts_exp}/train.log"
            log "Log: ${tts_exp}/train.log. To resume: ${tts_exp}/run.sh"
            follow_tts "${logfile}"
            shapes=()
            for part in train valid; do
                for name in text speech_codes; do shapes+=("--${part}_shape_file" "${stats}/${part}/${name}_shape"); done
            done
            # shellcheck disable=SC2034  # launch of utils/common.sh keeps its file there
            codec_exp=${tts_exp}
            # shellcheck disable=SC2086
            OMP_NUM_THREADS=${train_threads} launch "${logfile}" ${python} -m espnet2_decodec.bin.tts_train \
                --config "${tts_config}" --output_dir "${tts_exp}" --resume true "${data_opts[@]}" "${shapes[@]}" \
                --stats_file "${stats}/train/features_stats.npz" ${tts_args} \
                || fail "${logfile}" "if its model was changed, it cannot be resumed: remove ${tts_exp} first"
            unfollow
            need "${tts_exp}/config.yaml" "${logfile}"
            done_with "${tts_exp}/.trained" "${options}"
        fi
        need "${tts_exp}/${inference_tts_model}" "training (${tts_exp}/train.log)"
        if ! up_to_date "${model}/.done" "${inference_tts_model}" "${tts_exp}/${inference_tts_model}"; then
            logfile=${tts_exp}/log/export.log
            ${train_cmd} "${logfile}" ${python} -m espnet2_decodec recipe tts_export --train_config "${tts_exp}/config.yaml" \
                --model_file "${tts_exp}/${inference_tts_model}" "${model}" || fail "${logfile}"
            need "${model}/model.safetensors" "${logfile}"
            done_with "${model}/.done" "${inference_tts_model}"
        fi
    fi
fi

if ! ${skip_eval}; then
    prompts=${dump}/prompts_${prompt_snr}dB
    denoised=${prompts}/denoised_$(as_tag "${prompt_denoiser}")
    declare -A voices=([none_clean]=clean [none]=noisy [unseparated]=unseparated/prompts [denoised]="${denoised##*/}/unseparated/prompts"
        [prompt]=noisy [file]=noisy)
    declare -A heard=([none_clean]=none [none]=none [unseparated]=none [denoised]=none [prompt]=prompt [file]=${prompts}/other.scp)
    modes="none_clean none unseparated ${prompt_denoiser:+denoised }prompt file"
    if runs 20; then
        log "Stage 20: speech under every background: ${results}/{${modes// /,}}"
        need "${model}/model.safetensors" "stage 19"
        if ! up_to_date "${prompts}/.done" "${prompt_snr}" "${dump}/test/wav.scp"; then
            make_prompts test "${test_sets%% *}" "${prompts}" "${prompt_snr}" "${prompt_snr}"
            done_with "${prompts}/.done" "${prompt_snr}"
        fi
        if [ -n "${prompt_denoiser}" ] && ! up_to_date "${denoised}/.done" "" "${prompts}/.done"; then
            logfile=${dump}/log/prompts_denoised.log
            mkdir -p "${denoised}/from/noisy"
            cp "${prompts}/noisy.scp" "${denoised}/from/noisy/wav.scp"
            ${train_cmd} "${logfile}" ${python} -m espnet2_decodec recipe denoise --sets "${denoised}/from/noisy" \
                --system "${prompt_denoiser}" --out "${denoised}" --nj "${nj}" || fail "${logfile}"
            need "${denoised}/noisy/wav.scp" "${logfile}"
            done_with "${denoised}/.done" ""
        fi
        if ! up_to_date "${results}/.said" "${modes} ${inference_args}" "${model}/model.safetensors" "${prompts}/.done"; then
            logfile=${results}/log/originals.log
            ${train_cmd} "${logfile}" ${python} -m espnet2_decodec recipe tts_copy_synthesis --model "${model}" --nj "${nj}" \
                --tokens "${tokens}/test/codes_speech.scp" --out "${results}/originals" || fail "${logfile}"
            need "${results}/originals/predicted_levels.scp" "${logfile}"
            for set in "${prompts}/noisy.scp ${prompts}" ${prompt_denoiser:+"${denoised}/noisy/wav.scp ${denoised}"}; do
                logfile=${results}/log/unseparated_prompts.log
                ${train_cmd} "${logfile}" ${python} -m espnet2_decodec recipe tts_unseparated_prompts --model "${model}" \
                    --prompts "${set% *}" --out "${set#* }/unseparated" --nj "${nj}" || fail "${logfile}"
                need "${set#* }/unseparated/prompts.scp" "${logfile}"
            done
            for mode in ${modes}; do
                logfile=${results}/log/${mode}.log
                # shellcheck disable=SC2086
                ${train_cmd} "${logfile}" ${python} -m espnet2_decodec.bin.tts_inference --model "${model}" --nj "${nj}" \
                    --text "${dump}/test/text" --prompts "${prompts}/${voices[${mode}]}.scp" --background "${heard[${mode}]}" \
                    --out "${results}/${mode}" ${inference_args} || fail "${logfile}"
                need "${results}/${mode}/mix.scp" "${logfile}"
            done
            done_with "${results}/.said" "${modes} ${inference_args}"
        fi
    fi

    if runs 21; then
        log "Stage 21: scores: ${results}/RESULTS.md"
        need "${results}/file/mix.scp" "stage 20"
        options="${language} --keep ${keep} ${score_opts}"
        if ! up_to_date "${results}/.scored" "${options}" "${results}/.said"; then
            logfile=${results}/log/score.log
            said=()
            for mode in ${modes}; do said+=("${mode}=${results}/${mode}"); done
            # shellcheck disable=SC2086
            ${train_cmd} "${logfile}" ${python} -m espnet2_decodec recipe tts_score --out "${results}" --text "${dump}/test/text" \
                --voices "${prompts}/clean.scp" --language "${language}" --systems "recordings=${dump}/test/wav.scp" \
                "all_levels=${results}/originals/all_levels.scp" "vocoder_levels=${results}/originals/predicted_levels.scp" \
                "${said[@]}" --sources "prompt=${prompts}/background.scp" "file=${prompts}/other.scp" --keep "${keep}" \
                --prompts "clean=${prompts}/clean.scp" "noisy=${prompts}/noisy.scp" ${score_opts} || fail "${logfile}"
            need "${results}/RESULTS.md" "${logfile}"
            grep skipped "${logfile}" || true
            done_with "${results}/.scored" "${options}"
        fi
        cat "${results}/RESULTS.md"
        log "To listen: $(realpath "${results}")/{${modes// /,},originals}"
    fi
fi

log "Done. [elapsed ${SECONDS}s]"
