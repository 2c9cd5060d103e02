#!/usr/bin/env bash
# Speech recognition with ESPnet, from transcribed recordings to error rates in noise; see --help.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# General
stage=12               # First stage to run.
stop_stage=16          # Last stage to run.
skip_data_prep=false   # Leave out stages 12 and 13.
skip_train=false       # Leave out stages 14 and 15.
skip_eval=false        # Leave out stage 16.
ngpu=auto              # GPUs on each machine; 0 = CPU; auto = 1 where nvidia-smi lists one, else 0.
num_nodes=1            # Machines for training.
nj=2                   # Processes at a time outside of training.
datadir=data           # Data directories that stage 1 wrote.
dumpdir=dump           # What is made of them: sets, token lists.
expdir=exp             # Experiments.
python=python3         # Python to run everything with.

# Data
size=mini              # mini, standard or own, as in stage 1.
train_set=train        # Transcribed voices are looked for in <datadir>/<size>/speech_ of this,
valid_set=dev          # of this,
test_sets="test"       # and of these; the backgrounds of the tests are those of background_ of the first.
asr_voices=            # Speakers, or beginnings of names; empty = festvox_ru for standard, asterisk_ru for mini, all for own.
asr_data_opts=         # Further options of `decodec recipe asr_data`, e.g. "--snrs clean 10 0 --seed 1".
asr_set=               # Name of the data; by default made of the voices and asr_data_opts.
discrete=              # Recognize tokens, by ESPnet's discrete ASR: semantic or content (repeats removed), or how many speech levels; empty = sound.
denoise=               # Denoise the test sets first: gtcrn, decodec:unquantized, ... as decodec evaluate --systems takes them.

# Tokens
token_type=char        # char or bpe.
nbpe=100               # Pieces of bpe.

# Training
codec=shipped          # Folder of a saved codec for frontend: decodec, and for tokens; shipped = the package's.
asr_config=            # Config of the recognizer; by default conf/asr/train_asr_{fbank,discrete}.yaml, for mini those that end in mini.yaml.
asr_args=              # Options of training that win over the config, e.g. "--seed 1 --max_epoch 5".
asr_tag=               # Name of the experiment; by default made of config, data, tokens, codec and asr_args.
asr_exp=               # Folder of the experiment; by default <expdir>/asr_<tag>.
asr_stats_dir=         # Lengths of the training data; by default <expdir>/asr_stats_<data>_<tokens>.
train_threads=1        # CPU threads of each training process.

# Recognition
inference_config=conf/decode/decode_asr.yaml  # Options of espnet2_decodec.bin.asr_inference.
inference_args=        # Options that win over it, e.g. "--beam_size 1".
inference_asr_model=valid.cer_ctc.ave.pth  # Checkpoint of the experiment.
inference_tag=         # Name of the results' folder, which begins with decode_; by default made of config, args and denoise.
gpu_inference=false    # Whether stage 16 recognizes on a GPU (with --nj 1).

help_message="Usage: $0 [--option value] ...

Stages: 12 data, clean and in noise, 13 token list, 14 lengths, 15 training, 16 recognition and error rates.
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
if [ -z "${asr_voices}" ]; then
    case "${size}" in
        mini) asr_voices=asterisk_ru ;;
        standard) asr_voices=festvox_ru ;;
    esac
fi
if [ -z "${asr_config}" ]; then
    case "${size},${discrete}" in
        mini,) asr_config=conf/asr/train_asr_mini.yaml ;;
        mini,*) asr_config=conf/asr/train_asr_discrete_mini.yaml ;;
        *,) asr_config=conf/asr/train_asr_fbank.yaml ;;
        *) asr_config=conf/asr/train_asr_discrete.yaml ;;
    esac
fi
case "${token_type}" in
    char) tokens=char pieces=0 ;;
    bpe) tokens=bpe${nbpe} pieces=${nbpe} ;;
    *) die "--token_type is char or bpe, not '${token_type}'" ;;
esac
[ -f "${asr_config}" ] || die "there is no config ${asr_config}: give --asr_config one of conf/asr"
[ -f "${inference_config}" ] || die "there is no config ${inference_config}: give --inference_config one of conf/decode"

asr_set=${asr_set:-$(as_tag "${asr_voices:-all}")${asr_data_opts:+_$(as_tag "${asr_data_opts}")}}
dump=${dumpdir}/${size}/asr/${asr_set}
lists=${dump}/token_list/${tokens}
# What is recognized, with which programs of ESPnet: recordings, or tokens.
codec_name=shipped
codec_files=("${MAIN_ROOT}"/espnet2_decodec/pretrained/*/*.safetensors)
if [ "${codec}" != shipped ]; then
    codec_name=$(as_tag "$(basename "$(dirname "${codec}")")-$(basename "${codec}")")
    codec_files=("${codec}"/*.safetensors)
fi
inputs=${dump} table=wav.scp kind=speech,sound shape=speech_shape
train_program=espnet2_decodec.bin.asr_train infer_program=espnet2_decodec.bin.asr_inference model_type=asr
codec_opts=()
if [ -n "${discrete}" ]; then
    [ -z "${denoise}" ] || die "--denoise and --discrete do not go together"
    case "${discrete}" in
        semantic | content) levels=1 unit_opts=--no_repeats ;;
        *[!0-9]* | 0*) die "--discrete is semantic, content or a number of levels, not '${discrete}'" ;;
        *) levels=${discrete} unit_opts= ;;
    esac
    kept=(--speech_levels "${levels}" --background_levels 0)
    if [ "${discrete}" = content ]; then kept=(--content "${levels}"); fi
    inputs=${dump}/tokens_${codec_name}_${discrete} table=units kind=src_text,text shape=text_shape
    train_program=espnet2.bin.mt_train infer_program=espnet2.bin.mt_inference model_type=mt
    codec_opts=(--src_token_type word --src_token_list "${inputs}/list"
        --frontend_conf "token_per_frame=${levels}" --model_conf "patch_size=${levels}")
elif ! grep -q '^frontend: *decodec' "${asr_config}"; then
    codec_name=
    codec_files=()
elif [ "${codec}" != shipped ]; then
    codec_opts=(--frontend_conf "model=${codec}")
fi
if [ -z "${asr_tag}" ]; then
    asr_tag=$(basename "${asr_config}" .yaml)
    asr_tag=${asr_tag#train_asr_}_${size}_${asr_set}_${tokens}
    asr_tag+=${discrete:+_${discrete}}
    if [ -n "${codec_name#shipped}" ]; then asr_tag+=_${codec_name}; fi
    asr_tag+=${asr_args:+_$(as_tag "${asr_args}")}
fi
asr_exp=${asr_exp:-${expdir}/asr_${asr_tag}}
asr_stats_dir=${asr_stats_dir:-${expdir}/asr_stats_${size}_${asr_set}_${tokens}${discrete:+_${codec_name}_${discrete}}}
if [ -z "${inference_tag}" ]; then
    inference_tag=$(basename "${inference_config}" .yaml)
    inference_tag+=${inference_args:+_$(as_tag "${inference_args}")}${denoise:+_of_$(as_tag "${denoise##*/}")}
fi
[[ "${inference_tag}" == decode_* ]] || die "--inference_tag begins with decode_, not '${inference_tag}'"
decoded=${asr_exp}/${inference_tag}
dump_tests=${dump}
if [ -n "${discrete}" ]; then dump_tests=${inputs}; fi
if [ -n "${denoise}" ]; then dump_tests=${dump}/denoised_$(as_tag "${denoise##*/}"); fi

token_opts=(--token_type "${token_type}" --token_list "${lists}/tokens.txt" --use_preprocessor true)
if [ "${token_type}" = bpe ]; then token_opts+=(--bpemodel "${lists}/bpe.model"); fi
data_opts=()
for part in train/train valid/dev; do
    for path in "${inputs}/${part#*/}/${table},${kind}" "${dump}/${part#*/}/text,text,text"; do
        data_opts+=("--${part%/*}_data_path_and_name_and_type" "${path}")
    done
done

follow_asr() { # follow_asr LOG: one line for each epoch
    tail -n +1 -F --pid $$ "$1" 2> /dev/null | sed -u -nE \
        's/^.*INFO: ([0-9]+)epoch results: \[train\].* loss=([^,]+),.*\[valid\].* cer_ctc=([^,]+),.* loss=([^,]+),.*/epoch \1: training loss \2, validation loss \4, CER \3/p' &
    follower=$!
}

log "$0 ${run_args}"

if ! ${skip_data_prep}; then
    if runs 12; then
        log "Stage 12: data of ${asr_voices:-all voices}: ${datadir}/${size} -> ${dump}"
        speech=()
        for name in "${train_set}" "${valid_set}" ${test_sets}; do
            need "${datadir}/${size}/speech_${name}/wav.scp" "stage 1"
            speech+=("${datadir}/${size}/speech_${name}")
        done
        logfile=${dump}/log/data.log
        # shellcheck disable=SC2086
        ${train_cmd} "${logfile}" ${python} -m espnet2_decodec recipe asr_data --speech "${speech[@]}" \
            --background "${datadir}/${size}/background_${test_sets%% *}" --out "${dump}" --voices ${asr_voices} \
            ${asr_data_opts} || fail "${logfile}"
        need "${dump}/train/text" "${logfile}"
        grep -E 'recordings(,| left)' "${logfile}"
        if [ -n "${denoise}" ]; then
            log "Test sets through ${denoise}: ${dump_tests}"
            denoiser=${denoise#decodec:}
            if ! up_to_date "${dump_tests}/.done" "${denoise}" "${dump}/sets.json" "${denoiser%%:*}/config.json"; then
                rm -rf "${dump_tests}"
                logfile=${dump}/log/denoise_$(as_tag "${denoise##*/}").log
                ${train_cmd} "${logfile}" ${python} -m espnet2_decodec recipe denoise --sets "${dump}"/test_* \
                    --system "${denoise}" --out "${dump_tests}" --nj "${nj}" || fail "${logfile}"
                done_with "${dump_tests}/.done" "${denoise}"
            fi
        fi
    fi

    if runs 12 && [ -n "${discrete}" ]; then
        log "Tokens of ${levels} levels by the codec ${codec}: ${inputs}"
        model_opts=()
        if [ "${codec}" != shipped ]; then model_opts=(--model "${codec}"); fi
        if ! up_to_date "${inputs}/.done" "${levels} ${unit_opts}" "${dump}/sets.json" "${codec_files[@]}"; then
            rm -rf "${inputs}"
            folders=()
            for folder in "${dump}/train" "${dump}/dev" "${dump}"/test_*; do
                name=${folder##*/}
                logfile=${inputs}/log/${name}.log
                ${train_cmd} "${logfile}" ${python} -m espnet2_decodec recipe tokenize "${model_opts[@]}" --nj "${nj}" \
                    "${kept[@]}" --scp "${folder}/wav.scp" --out "${inputs}/${name}" \
                    || fail "${logfile}"
                folders+=("${inputs}/${name}")
            done
            logfile=${inputs}/log/units.log
            # shellcheck disable=SC2086
            ${train_cmd} "${logfile}" ${python} -m espnet2_decodec recipe asr_units "${model_opts[@]}" --list "${inputs}/list" \
                --tokens "${folders[@]}" ${unit_opts} || fail "${logfile}"
            for folder in "${folders[@]}"; do
                if [[ "${folder}" == */test_* ]]; then cp "${dump}/${folder##*/}/text" "${folder}/"; fi
            done
            done_with "${inputs}/.done" "${levels} ${unit_opts}"
        fi
    fi

    if runs 13; then
        log "Stage 13: token list: ${lists}"
        need "${dump}/train/text" "stage 12"
        if ! up_to_date "${lists}/.done" "${pieces}" "${dump}/train/text"; then
            logfile=${dump}/log/tokens_${tokens}.log
            ${train_cmd} "${logfile}" ${python} -m espnet2_decodec recipe asr_token_list --text "${dump}/train/text" \
                --out "${lists}" --nbpe "${pieces}" || fail "${logfile}"
            need "${lists}/tokens.txt" "${logfile}"
            done_with "${lists}/.done" "${pieces}"
        fi
    fi
fi

if ! ${skip_train}; then
    if runs 14; then
        log "Stage 14: lengths: ${asr_stats_dir}"
        need "${lists}/tokens.txt" "stage 13"
        if ! up_to_date "${asr_stats_dir}/.done" "${token_opts[*]}" "${dump}/train/text" "${lists}/tokens.txt"; then
            logfile=${asr_stats_dir}/log/collect.log
            ${train_cmd} "${logfile}" ${python} -m "${train_program}" --collect_stats true --config "${asr_config}" \
                --output_dir "${asr_stats_dir}" "${token_opts[@]}" "${codec_opts[@]}" "${data_opts[@]}" \
                --ngpu 0 --batch_type unsorted --batch_size 8 --train_shape_file "${dump}/train/utt2dur" --valid_shape_file "${dump}/dev/utt2dur" || fail "${logfile}"
            need "${asr_stats_dir}/train/${shape}" "${logfile}"
            need "${asr_stats_dir}/valid/${shape}" "${logfile}"
            done_with "${asr_stats_dir}/.done" "${token_opts[*]}"
        fi
    fi

    if runs 15; then
        log "Stage 15: training: ${asr_exp}, $([ "${ngpu}" = 0 ] && echo "on the CPU" || echo "${ngpu} GPU(s)")"
        need "${asr_stats_dir}/train/${shape}" "stage 14"
        if [ ${#codec_files[@]} != 0 ]; then
            mkdir -p "${asr_exp}"
            made_with=$(cat "${codec_files[@]}" | sha256sum)
            [ -f "${asr_exp}/codec.sha256" ] || echo "${made_with}" > "${asr_exp}/codec.sha256"
            [ "$(cat "${asr_exp}/codec.sha256")" = "${made_with}" ] \
                || die "${asr_exp} was begun with another codec than ${codec} is now: remove it, or give another --asr_tag"
        fi
        options="${token_opts[*]} ${codec_opts[*]} ${asr_args}"
        if ! up_to_date "${asr_exp}/.trained" "${options}" "${asr_config}" "${dump}/train/text" "${codec_files[@]}"; then
            logfile=${asr_exp}/log/train.$(date +%Y%m%d_%H%M%S).log
            mkdir -p "${asr_exp}/log"
            printf '#!/usr/bin/env bash\n# Start or resume this training, and recognize.\ncd %q && exec ./asr.sh %s--stage 15 "$@"\n' \
                "${PWD}" "${run_args}" > "${asr_exp}/run.sh"
            chmod +x "${asr_exp}/run.sh"
            ln -sfn "log/${logfile##*/}" "${asr_exp}/train.log"
            log "Log: ${asr_exp}/train.log. To resume: ${asr_exp}/run.sh"
            follow_asr "${logfile}"
            # shellcheck disable=SC2034  # launch of utils/common.sh keeps its file there
            codec_exp=${asr_exp}
            # shellcheck disable=SC2086
            OMP_NUM_THREADS=${train_threads} launch "${logfile}" ${python} -m "${train_program}" \
                --config "${asr_config}" --output_dir "${asr_exp}" --resume true "${token_opts[@]}" "${data_opts[@]}" \
                --train_shape_file "${asr_stats_dir}/train/${shape}" --valid_shape_file "${asr_stats_dir}/valid/${shape}" \
                "${codec_opts[@]}" ${asr_args} || fail "${logfile}" "if its model was changed, it cannot be resumed: remove ${asr_exp} first"
            unfollow
            need "${asr_exp}/config.yaml" "${logfile}"
            done_with "${asr_exp}/.trained" "${options}"
        fi
        need "${asr_exp}/${inference_asr_model}" "training (${asr_exp}/train.log)"
    fi
fi

if ! ${skip_eval} && runs 16; then
    log "Stage 16: recognition: ${decoded}"
    need "${asr_exp}/${inference_asr_model}" "stage 15"
    sets=("${dump_tests}"/test_*)
    for name in "${sets[@]}"; do need "${name}/text" "stage 12${denoise:+ with --denoise ${denoise}}"; done
    options="${inference_asr_model} ${inference_args}"
    if ! up_to_date "${decoded}/.done" "${options}" "${asr_exp}/${inference_asr_model}" "${inference_config}" "${sets[0]}/text"; then
        rm -rf "${decoded}"
        mkdir -p "${decoded}/log"
        for name in "${sets[@]}"; do sed "s|^|${name##*/}/|" "${name}/${table}"; done > "${decoded}/${table}"
        for ((job = 1; job <= nj; job++)); do
            awk -v n="${nj}" -v job="${job}" 'NR % n == job % n {print $1}' "${decoded}/${table}" > "${decoded}/log/keys.${job}"
        done
        device=0
        if ${gpu_inference}; then device=1; fi
        # shellcheck disable=SC2086
        ${train_cmd} --gpu "${device}" JOB=1:"${nj}" "${decoded}/log/inference.JOB.log" ${python} -m "${infer_program}" \
            --config "${inference_config}" --ngpu "${device}" "--${model_type}_train_config" "${asr_exp}/config.yaml" \
            "--${model_type}_model_file" "${asr_exp}/${inference_asr_model}" \
            --data_path_and_name_and_type "${decoded}/${table},${kind}" \
            --key_file "${decoded}/log/keys.JOB" --output_dir "${decoded}/log/output.JOB" ${inference_args} \
            || fail "${decoded}/log/inference.1.log"
        cat "${decoded}"/log/output.*/1best_recog/text | sort > "${decoded}/text"
        done_with "${decoded}/.done" "${options}"
    fi
    logfile=${decoded}/log/score.log
    ${train_cmd} "${logfile}" ${python} -m espnet2_decodec recipe asr_score --sets "${sets[@]}" --recognized "${decoded}/text" \
        --out "${decoded}" --command "./asr.sh ${run_args}" || fail "${logfile}"
    need "${asr_exp}/RESULTS.md" "${logfile}"
    grep '^scored with' "${logfile}"
    cat "${asr_exp}/RESULTS.md"
    log "Error rates: ${asr_exp}/RESULTS.md, alignments: ${decoded}/<set>/{char,word}.align"
fi

log "Done. [elapsed ${SECONDS}s]"
