#!/usr/bin/env bash
# The stages of the recipe, from recordings to score tables and a page to listen to. run.sh calls this with the settings of a corpus; see --help.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# General
stage=1                # First stage to run.
stop_stage=11          # Last stage to run.
skip_data_prep=false   # Leave out stages 1 to 3.
skip_train=false       # Leave out stages 4 to 6.
skip_eval=false        # Leave out stages 7 to 11.
ngpu=auto              # GPUs on each machine; 0 = CPU; auto = 1 where nvidia-smi lists one, else 0.
num_nodes=1            # Machines for training.
nj=2                   # Processes at a time outside of training.
datadir=data           # Data directories of the corpora.
dumpdir=dump           # What is made of them: filtered lists, mixtures.
expdir=exp             # Experiments.
downloads=downloads    # Where fetched packages are kept.
python=python3         # Python to run everything with.

# Data
size=mini              # mini (in the repository), standard (fetched), own (your recordings, see db.sh).
local_data_opts=       # Further options of local/data.sh.
train_set=train        # Stands for speech_train and background_train in <datadir>/<size>.
valid_set=dev          # The same for validation.
test_sets="test"       # The same for tests; several in quotes.
min_wav_duration=0.15  # Seconds; shorter training recordings are left out.
max_wav_duration=120   # Seconds; longer ones are left out.
per_condition=20       # Mixtures of each SNR in validation and test sets.
seen_sets=auto         # Test sets that are mixed with backgrounds of the training, too, as <set>_seen; auto = all, but none for mini.
mixture_opts=          # Further options of `decodec recipe make_mixtures`.

# Training
train_config=          # Config of the codec; by default conf/codec/train_decodec.yaml, for mini train_decodec_mini.yaml.
train_args=            # Options of training that win over the config, e.g. "--max_epoch 1".
tag=                   # Name of the experiment; by default made of the config, the size and train_args.
codec_exp=             # Folder of the experiment; by default <expdir>/codec_<tag>.
teacher=               # whisper (stage 4 writes it to a file for all), logmel, hubert:FOLDER, none; empty = as the config says.
train_threads=1        # CPU threads of each training process.
inference_model=valid.distance.best.pth  # Checkpoint of the experiment that is exported.

# Evaluation
download_model=        # Folder of a saved codec to evaluate in place of training one; "shipped" = the package's.
inference_args=        # Levels to use, e.g. "--speech_levels 4 --background_levels 0".
inference_tag=         # Name of the results' folder; by default made of inference_args.
gpu_inference=false    # Whether stages 7 to 9 run the codec on a GPU (with --nj 1).
score_opts=            # Further options of `decodec evaluate` for stage 9, e.g. "--limit 5".
compare_systems=       # What stage 10 compares, see decodec evaluate --help; empty = this codec at some rates, and what is installed beside it.
compare_opts=          # Further options of decodec evaluate, e.g. "--limit 5 --conditions 0 10 clean".
keep=2                 # Recordings of each condition that can be listened to on the page.
convert_voices=true    # Whether stage 10 converts some recordings to another voice, for the page.
conversion_opts=       # Further options of `decodec recipe score_conversion`, e.g. "--recognizer moonshine-tiny.en --limit 10 --most 2".

help_message="Usage: $0 [--option value] ...

Stages: 1 data, 2 filter and check, 3 validation and test mixtures, 4 semantic teacher, 5 training, 6 export,
        7 tokens, 8 waveforms, 9 scores, 10 comparison of systems and voice conversion, 11 page to listen to.
        A stage that is done already is not done again.
$(sed -n '/^# General/,/^help_message=/p' "${BASH_SOURCE[0]##*/}" \
    | sed -nE -e 's/^# (.*)/\n\1/p' -e 's/^([a-z_]+)=([^ ]*) *# (.*)/    --\1 [\2] \3/p')"

run_args=$(printf '%q ' "$@")
. utils/parse_options.sh
. utils/common.sh
. ./path.sh
. ./cmd.sh
. ./db.sh
[ $# -eq 0 ] || die "no arguments are expected beside options, but there is '$1'"

resolve_ngpu
if [ -z "${train_config}" ]; then
    train_config=conf/codec/train_decodec.yaml
    if [ "${size}" = mini ]; then train_config=conf/codec/train_decodec_mini.yaml; fi
fi
data=${datadir}/${size}
dump=${dumpdir}/${size}
if [ -z "${tag}" ]; then
    tag=$(basename "${train_config}" .yaml)
    tag=${tag#train_}
    tag=${tag%"_${size}"}_${size}${train_args:+_$(as_tag "${train_args}")}
fi
if [ -n "${download_model}" ]; then
    codec_exp=${codec_exp:-${expdir}/codec_$(basename "${download_model}")_${size}}
    model=${download_model}
else
    codec_exp=${codec_exp:-${expdir}/codec_${tag}}
    model=${codec_exp}/model
fi
inference_tag=${inference_tag:-decode${inference_args:+_$(as_tag "${inference_args}")}}
results=${codec_exp}/${inference_tag}

compare() { # compare OUT SYSTEMS OPTIONS SET ...: systems on the mixtures of all these sets together
    local out=$1 systems=$2 options="$2 $3" last=${!#}
    logfile=${out%/*}/log/${out##*/}.log
    need "${last}/mixture.scp" "stage 3"
    if ! up_to_date "${out}/.compared" "${options}" "${model}/config.json" "${last}/utt2snr"; then
        # shellcheck disable=SC2086
        ${train_cmd} "${logfile}" ${python} -m espnet2_decodec evaluate --data "${@:4}" --systems ${systems} --out "${out}" \
            --nj "${nj}" $3 || fail "${logfile}"
        need "${out}/summary.csv" "${logfile}"
        grep skipped "${logfile}" || true
        done_with "${out}/.compared" "${options}"
    fi
}

log "$0 ${run_args}"

if ! ${skip_data_prep}; then
    if runs 1; then
        log "Stage 1: data: local/data.sh -> ${data}/{speech,background}_{${train_set},${valid_set},...}"
        own=()
        if [ "${size}" = own ]; then
            own=(--speech_dir "${OWN_SPEECH:?is to be set in db.sh}" --background_dir "${OWN_BACKGROUND:?is to be set in db.sh}")
        fi
        # shellcheck disable=SC2086
        PYTHON=${python} local/data.sh --size "${size}" --data "${datadir}" --downloads "${downloads}" --nj "${nj}" \
            "${own[@]}" ${local_data_opts} || die "local/data.sh failed, see above"
        for name in "${train_set}" "${valid_set}" ${test_sets}; do
            need "${data}/speech_${name}/wav.scp" local/data.sh
            need "${data}/background_${name}/wav.scp" local/data.sh
        done
    fi

    if runs 2; then
        log "Stage 2: filter by duration and check: ${data} -> ${dump}"
        options="${min_wav_duration} ${max_wav_duration}"
        for name in "speech_${train_set}" "background_${train_set}"; do
            if ! up_to_date "${dump}/${name}/.done" "${options}" "${data}/${name}/wav.scp"; then
                filter_by_duration "${data}/${name}" "${dump}/${name}" "${min_wav_duration}" "${max_wav_duration}"
                ${python} utils/validate_data_dir.py "${dump}/${name}"
                done_with "${dump}/${name}/.done" "${options}"
            fi
        done
        for name in "${valid_set}" ${test_sets}; do
            ${python} utils/validate_data_dir.py "${data}/speech_${name}" "${data}/background_${name}"
        done
    fi

    if runs 3; then
        if [ "${seen_sets}" = auto ]; then
            seen_sets=${test_sets}
            if [ "${size}" = mini ]; then seen_sets=; fi
        fi
        log "Stage 3: mixtures with their stems: ${dump}/{${valid_set},${test_sets}}"
        mix() { # mix SET BACKGROUND OUT [OPTION ...]: the speech of a set over backgrounds
            local logfile=$3/log/make_mixtures.log table
            # shellcheck disable=SC2086
            ${train_cmd} "${logfile}" ${python} -m espnet2_decodec recipe make_mixtures \
                --speech "${data}/speech_$1" --background "$2" --out "$3" --training_background "${data}/background_${train_set}" \
                --per_condition "${per_condition}" ${mixture_opts} "${@:4}" || fail "${logfile}"
            for table in mixture.scp speech.scp background.scp utt2snr; do
                need "$3/${table}" "${logfile}"
            done
        }
        for name in "${valid_set}" ${test_sets}; do
            mix "${name}" "${data}/background_${name}" "${dump}/${name}"
        done
        for name in ${seen_sets}; do # but for clean speech, which would be that of the set itself
            log "With backgrounds of the training: ${dump}/${name}_seen"
            need "${dump}/background_${train_set}/wav.scp" "stage 2"
            mix "${name}" "${dump}/background_${train_set}" "${dump}/${name}_seen" --suffix seen --without clean
        done
    fi
fi

if ! ${skip_train} && [ -z "${download_model}" ]; then
    if runs 4; then
        log "Stage 4: semantic teacher: ${teacher:-as ${train_config} says}"
        if [ "${teacher}" = whisper ] && [ ! -s "${dumpdir}/teacher.safetensors" ]; then
            logfile=${dumpdir}/log/teacher.log
            ${train_cmd} "${logfile}" ${python} -m espnet2_decodec recipe export_teacher \
                "${dumpdir}/teacher.safetensors" || fail "${logfile}"
            need "${dumpdir}/teacher.safetensors" "${logfile}"
        fi
    fi

    if runs 5; then
        log "Stage 5: training: ${codec_exp}, $([ "${ngpu}" = 0 ] && echo "on the CPU" || echo "${ngpu} GPU(s)")"
        [ -f "${train_config}" ] || die "there is no config ${train_config}: give --train_config one of conf/codec"
        need "${dump}/speech_${train_set}/wav.scp" "stage 2"
        need "${dump}/${valid_set}/mixture.scp" "stage 3"
        case "${teacher}" in
            "") options=${train_args} ;;
            whisper) options="--codec_conf teacher=whisper:${dumpdir}/teacher.safetensors ${train_args}" ;;
            none) options="--codec_conf teacher=null ${train_args}" ;;
            *) options="--codec_conf teacher=${teacher} ${train_args}" ;;
        esac
        if ! up_to_date "${codec_exp}/.trained" "${options}" "${train_config}" "${dump}/speech_${train_set}/wav.scp"; then
            mkdir -p "${codec_exp}"
            printf '#!/usr/bin/env bash\n# Start or resume this training.\ncd %q && exec ./decodec.sh %s--stage 5 "$@"\n' \
                "${PWD}" "${run_args}" > "${codec_exp}/run.sh"
            chmod +x "${codec_exp}/run.sh"
            logfile=${codec_exp}/log/train.$(date +%Y%m%d_%H%M%S).log
            mkdir -p "${codec_exp}/log"
            ln -sfn "log/${logfile##*/}" "${codec_exp}/train.log"
            log "Log: ${codec_exp}/train.log. To resume: ${codec_exp}/run.sh"
            follow "${logfile}"
            # shellcheck disable=SC2086
            OMP_NUM_THREADS=${train_threads} launch "${logfile}" ${python} -m espnet2_decodec.bin.codec_train \
                --config "${train_config}" --output_dir "${codec_exp}" --resume true --use_preprocessor true \
                --train_data_path_and_name_and_type "${dump}/speech_${train_set}/wav.scp,audio,sound" \
                --valid_data_path_and_name_and_type "${dump}/${valid_set}/mixture.scp,audio,sound" \
                --valid_data_path_and_name_and_type "${dump}/${valid_set}/speech.scp,speech,sound" \
                --valid_data_path_and_name_and_type "${dump}/${valid_set}/background.scp,background,sound" \
                --preprocessor_conf background_scp="${dump}/background_${train_set}/wav.scp" \
                ${options} || fail "${logfile}" "if its model was changed, it cannot be resumed: remove ${codec_exp} first"
            unfollow
            need "${codec_exp}/config.yaml" "${logfile}"
            ${python} -m espnet2_decodec recipe check_training "${codec_exp}" || die "training ended without error, but see above"
            done_with "${codec_exp}/.trained" "${options}"
        fi
    fi

    if runs 6; then
        log "Stage 6: export: ${codec_exp}/${inference_model} -> ${model}"
        need "${codec_exp}/${inference_model}" "training (${codec_exp}/train.log)"
        if ! up_to_date "${model}/.done" "${inference_model}" "${codec_exp}/${inference_model}"; then
            logfile=${codec_exp}/log/export.log
            rm -rf "${model}"
            ${train_cmd} "${logfile}" ${python} -m espnet2_decodec recipe export_codec --train_config "${codec_exp}/config.yaml" \
                --model_file "${codec_exp}/${inference_model}" "${model}" || fail "${logfile}"
            need "${model}/config.json" "${logfile}"
            done_with "${model}/.done" "${inference_model}"
        fi
    fi
fi

if ! ${skip_eval}; then
    model_opts="--model ${model}"
    if [ "${model}" = shipped ]; then
        model_opts=
    elif [ "${stop_stage}" -ge 7 ]; then
        need "${model}/config.json" "stage 6"
    fi
    if ${gpu_inference}; then model_opts+=" --device cuda"; fi

    if runs 7; then
        log "Stage 7: tokens: ${results}/<set>/tokens"
        for name in ${test_sets}; do
            need "${dump}/${name}/mixture.scp" "stage 3"
            if [ "${model}/config.json" -nt "${results}/${name}/tokens/made_with.json" ]; then
                rm -rf "${results:?}/${name}"
            fi
            logfile=${results}/${name}/log/tokenize.log
            # shellcheck disable=SC2086
            ${train_cmd} "${logfile}" ${python} -m espnet2_decodec recipe tokenize ${model_opts} --nj "${nj}" ${inference_args} \
                --scp "${dump}/${name}/mixture.scp" --out "${results}/${name}/tokens" || fail "${logfile}"
            need "${results}/${name}/tokens/codes_speech.scp" "${logfile}"
        done
    fi

    if runs 8; then
        log "Stage 8: waveforms from tokens: ${results}/<set>/wav/{speech,background,both}"
        for name in ${test_sets}; do
            for stream in speech background both; do
                logfile=${results}/${name}/log/resynthesize_${stream}.log
                # shellcheck disable=SC2086
                ${train_cmd} "${logfile}" ${python} -m espnet2_decodec recipe resynthesize ${model_opts} --nj "${nj}" \
                    --streams "${stream}" --tokens "${results}/${name}/tokens" --out "${results}/${name}/wav" \
                    || fail "${logfile}"
                need "${results}/${name}/wav/${stream}.scp" "${logfile}"
            done
        done
    fi

    if runs 9; then
        log "Stage 9: scores: ${results}/<set>/scores"
        spec=$(sed -E 's/--(speech|background)_levels +([0-9]+)/\1=\2/g; s/ +/,/g' <<< "${inference_args}")
        codec=decodec
        if [ "${model}" != shipped ]; then codec+=:${model}; fi
        systems="mixture silence codec=${codec}${spec:+:${spec}} unquantized=${codec}:unquantized"
        systems+=" ceiling=${codec}:ceiling${spec:+,${spec}} residual=${codec}:residual${spec:+,${spec}}"
        for name in ${test_sets}; do
            options="${model} ${inference_args} ${score_opts}"
            scores=${results}/${name}/scores
            if ! up_to_date "${scores}/.scored" "${options}" "${model}/config.json" "${dump}/${name}/utt2snr"; then
                logfile=${results}/${name}/log/score.log
                # shellcheck disable=SC2086
                ${train_cmd} "${logfile}" ${python} -m espnet2_decodec evaluate --data "${dump}/${name}" --out "${scores}" \
                    --systems ${systems} --targets speech background mixture remix --metrics si_sdr sdr mel pesq stoi \
                    --nj "${nj}" ${score_opts} || fail "${logfile}"
                need "${scores}/summary.md" "${logfile}"
                done_with "${scores}/.scored" "${options}"
            fi
            awk '/^## / { show = /: SI-SDR dB$/ } show' "${scores}/summary.md"
            log "All scores: ${scores}/summary.md, those of each recording: ${scores}/scores.csv"
            log "To listen: mixtures in $(realpath "${dump}/${name}/wav/mixture"), their stems in $(realpath "${results}/${name}/wav")"
        done
    fi

    if runs 10; then
        log "Stage 10: comparison of systems: ${results}/<set>/compare"
        codec=decodec
        if [ "${model}" != shipped ]; then codec+=:${model}; fi
        systems=${compare_systems:-mixture ${codec}:levels=1 ${codec}:levels=3 ${codec} ${codec}:unquantized
            opus:6 opus:8 opus:12 rnnoise dtln gtcrn deepfilternet gtcrn+${codec}}
        for name in ${test_sets}; do
            compare "${results}/${name}/compare" "${systems}" "--keep ${keep} ${compare_opts}" "${dump}/${name}"
            if [ -f "${dump}/${name}_seen/utt2snr" ]; then # apart, so that the headline figures stay those of unseen backgrounds
                compare "${results}/${name}/compare_seen" "mixture ${codec} ${codec}:unquantized" "--conditions 0 10 ${compare_opts}" \
                    "${dump}/${name}" "${dump}/${name}_seen"
            fi
        done
        for name in ${test_sets}; do
            conversion=${results}/${name}/conversion
            voices=() # the test set's first: a recording is converted to the voice of another speaker
            for part in "${name}" "${valid_set}" "${train_set}"; do
                if [ -s "${data}/speech_${part}/utt2dur" ]; then voices+=("${data}/speech_${part}"); fi
            done
            if ! ${convert_voices} || [ ${#voices[@]} -eq 0 ]; then continue; fi
            options="--recognizer none --most 1 --limit 1 --keep 1 ${conversion_opts}"
            if ! up_to_date "${conversion}/.converted" "${options}" "${model}/config.json" "${dump}/${name}/utt2snr"; then
                log "Voice conversion: ${conversion}"
                logfile=${results}/${name}/log/convert.log
                # shellcheck disable=SC2086
                ${train_cmd} "${logfile}" ${python} -m espnet2_decodec recipe score_conversion ${model_opts} --data "${dump}/${name}" \
                    --references "${voices[@]}" --out "${conversion}" ${options} \
                    || fail "${logfile}" "or leave this out by --convert_voices false"
                grep '^[^-].*skipped' "${logfile}" || true
                grep -q '^Voice conversion is skipped' "${logfile}" || need "${conversion}/conversion.csv" "${logfile}"
                mkdir -p "${conversion}"
                done_with "${conversion}/.converted" "${options}"
            fi
        done
    fi

    if runs 11; then
        log "Stage 11: page: ${results}/<set>/compare/report"
        for name in ${test_sets}; do
            compare=${results}/${name}/compare
            need "${compare}/scores.csv" "stage 10"
            examples=() # of voice conversion, and of the synthesizers of stage 21
            for folder in "${results}/${name}/conversion/examples" "${expdir}"/tts_*"_${size}_"*/*/examples; do
                if [ -s "${folder}/examples.csv" ]; then examples+=("${folder}"); fi
            done
            options=${examples[*]}
            if [ ! -s "${compare}/report/index.html" ]; then rm -f "${compare}/.reported"; fi
            if ! up_to_date "${compare}/.reported" "${options}" "${compare}/scores.csv" "${examples[@]/%//examples.csv}"; then
                logfile=${results}/${name}/log/report.log
                ${train_cmd} "${logfile}" ${python} -m espnet2_decodec report "${compare}" --force \
                    --title "Codecs and denoisers on ${size} ${name}" ${examples[@]:+--examples "${examples[@]}"} || fail "${logfile}"
                need "${compare}/report/index.html" "${logfile}"
                done_with "${compare}/.reported" "${options}"
            fi
            log "To compare and listen: open $(realpath "${compare}/report/index.html") in a browser"
        done
    fi
fi

log "Done. [elapsed ${SECONDS}s]"
