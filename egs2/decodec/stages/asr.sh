# shellcheck shell=bash
# shellcheck disable=SC2154,SC2086,SC2034  # variables of run.sh; options are split into words; unfollow uses follower
# To be sourced by run.sh: speech recognition with ESPnet, stages 11 to 15.

asr_speakers=${asr_speakers:-$(default_speakers)}
if [ -z "${asr_config}" ]; then
    case "${size},${discrete}" in
        mini,) asr_config=conf/asr/train_asr_mini.yaml ;;
        mini,*) asr_config=conf/asr/train_asr_discrete_mini.yaml ;;
        *,) asr_config=conf/asr/train_asr_fbank.yaml ;;
        *) asr_config=conf/asr/train_asr_discrete.yaml ;;
    esac
fi
case "${token_type}" in
    char) tokens=char vocabulary=0 ;;
    bpe) tokens=bpe${nbpe} vocabulary=${nbpe} ;;
    *) die "--token_type must be char or bpe, not '${token_type}'." ;;
esac
${skip_asr} || [ -f "${asr_config}" ] || die "there is no config ${asr_config}: give --asr_config one of conf/asr."
${skip_asr} || [ -f "${asr_inference_config}" ] \
    || die "there is no config ${asr_inference_config}: give --asr_inference_config one of conf/decode."

asr_set=${asr_set:-$(as_tag "${asr_speakers:-all}")${asr_data_opts:+_$(as_tag "${asr_data_opts}")}}
asr_dump=${dump}/asr/${asr_set}
lists=${asr_dump}/token_list/${tokens}
# Input and programs of ESPnet: waveforms, or tokens of the codec.
asr_codec=
inputs=${asr_dump} table=wav.scp kind=speech,sound shape=speech_shape
train_program=espnet2_decodec.bin.asr_train infer_program=espnet2_decodec.bin.asr_inference model_type=asr
codec_opts=()
if [ -n "${discrete}" ]; then
    [ -z "${denoise}" ] || die "--denoise and --discrete exclude each other."
    case "${discrete}" in
        semantic | content) levels=1 unit_opts=--no_repeats ;;
        *[!0-9]* | 0*) die "--discrete must be semantic, content or a number of levels, not '${discrete}'." ;;
        *) levels=${discrete} unit_opts= ;;
    esac
    level_opts=(--speech_levels "${levels}" --background_levels 0)
    if [ "${discrete}" = content ]; then level_opts=(--content "${levels}"); fi
    asr_codec=${codec_name}
    inputs=${asr_dump}/tokens_${codec_name}_${discrete} table=units kind=src_text,text shape=text_shape
    train_program=espnet2.bin.mt_train infer_program=espnet2.bin.mt_inference model_type=mt
    codec_opts=(--src_token_type word --src_token_list "${inputs}/list"
        --frontend_conf "token_per_frame=${levels}" --model_conf "patch_size=${levels}")
elif grep -q '^frontend: *decodec' "${asr_config}"; then
    asr_codec=${codec_name}
    if [ "${model}" != shipped ]; then codec_opts=(--frontend_conf "model=${model}"); fi
fi
if [ -z "${asr_tag}" ]; then
    asr_tag=$(basename "${asr_config}" .yaml)
    asr_tag=${asr_tag#train_asr_}_${size}_${asr_set}_${tokens}${discrete:+_${discrete}}
    if [ -n "${asr_codec#shipped}" ]; then asr_tag+=_${asr_codec}; fi
    asr_tag+=${asr_args:+_$(as_tag "${asr_args}")}
fi
asr_exp=${asr_exp:-${expdir}/asr_${asr_tag}}
asr_stats_tag=${size}_${asr_set}_${tokens}${discrete:+_${asr_codec}_${discrete}}
asr_stats_dir=${asr_stats_dir:-${expdir}/asr_stats_${asr_stats_tag}}
if [ -z "${asr_inference_tag}" ]; then
    asr_inference_tag=$(basename "${asr_inference_config}" .yaml)
    asr_inference_tag+=${asr_inference_args:+_$(as_tag "${asr_inference_args}")}
    asr_inference_tag+=${denoise:+_of_$(as_tag "${denoise##*/}")}
fi
[[ "${asr_inference_tag}" == decode_* ]] \
    || die "--asr_inference_tag must begin with decode_, not '${asr_inference_tag}'."
decoded=${asr_exp}/${asr_inference_tag}
tests=${inputs}
if [ -n "${denoise}" ]; then tests=${asr_dump}/denoised_$(as_tag "${denoise##*/}"); fi

token_opts=(--token_type "${token_type}" --token_list "${lists}/tokens.txt" --use_preprocessor true)
if [ "${token_type}" = bpe ]; then token_opts+=(--bpemodel "${lists}/bpe.model"); fi
data_opts=()
for part in train/train valid/dev; do
    for path in "${inputs}/${part#*/}/${table},${kind}" "${asr_dump}/${part#*/}/text,text,text"; do
        data_opts+=("--${part%/*}_data_path_and_name_and_type" "${path}")
    done
done

denoise_tests() { # denoise_tests: the noisy test sets through the system <denoise>
    local logfile=${asr_dump}/log/${tests##*/}.log folder=${denoise#decodec:}
    log "Test sets denoised by ${denoise}: ${tests}"
    if up_to_date "${tests}/.done" "${denoise}" "${asr_dump}/sets.json" "${folder%%:*}/config.json"; then return; fi
    rm -rf "${tests}"
    step "${logfile}" denoise --sets "${asr_dump}"/test_* --system "${denoise}" --out "${tests}" \
        --nj "${inference_nj}"
    done_with "${tests}/.done" "${denoise}"
}

make_units() { # make_units: tokens of the codec as words for discrete ASR
    local folder folders=()
    log "Tokens of ${levels} level(s) by the codec ${model}: ${inputs}"
    if up_to_date "${inputs}/.done" "${levels} ${unit_opts}" "${asr_dump}/sets.json" "${codec_files[@]}"; then
        return
    fi
    rm -rf "${inputs}"
    for folder in "${asr_dump}/train" "${asr_dump}/dev" "${asr_dump}"/test_*; do
        step "${inputs}/log/${folder##*/}.log" tokenize "${model_opts[@]}" --nj "${inference_nj}" "${level_opts[@]}" \
            --scp "${folder}/wav.scp" --out "${inputs}/${folder##*/}"
        folders+=("${inputs}/${folder##*/}")
    done
    step "${inputs}/log/units.log" asr_units "${model_opts[@]}" --list "${inputs}/list" --tokens "${folders[@]}" \
        ${unit_opts}
    for folder in "${asr_dump}"/test_*; do cp "${folder}/text" "${inputs}/${folder##*/}/"; done
    done_with "${inputs}/.done" "${levels} ${unit_opts}"
}

follow_decoding() { # follow_decoding: print now and then how many utterances are decoded
    local interval=60 total count
    total=$(wc -l < "${decoded}/${table}")
    if [ -t 1 ]; then interval=5; fi
    while sleep "${interval}" > /dev/null 2>&1; do
        count=$(cat "${decoded}"/log/inference.*.log 2> /dev/null | grep -c 'best hypo' || true)
        echo "decoding: ${count} of ${total} utterances"
    done &
    follower=$!
}

recognize() { # recognize: decode all test sets by <inference_nj> processes
    local job device=0 name
    rm -rf "${decoded}"
    mkdir -p "${decoded}/log"
    for name in "${sets[@]}"; do sed "s|^|${name##*/}/|" "${name}/${table}"; done > "${decoded}/${table}"
    for ((job = 1; job <= inference_nj; job++)); do
        awk -v n="${inference_nj}" -v job="${job}" 'NR % n == job % n {print $1}' "${decoded}/${table}" \
            > "${decoded}/log/keys.${job}"
    done
    if ${gpu_inference}; then device=1; fi
    follow_decoding
    ${train_cmd} --gpu "${device}" JOB=1:"${inference_nj}" "${decoded}/log/inference.JOB.log" \
        "${python}" -m "${infer_program}" --config "${asr_inference_config}" --ngpu "${device}" \
        "--${model_type}_train_config" "${asr_exp}/config.yaml" \
        "--${model_type}_model_file" "${asr_exp}/${inference_asr_model}" \
        --data_path_and_name_and_type "${decoded}/${table},${kind}" --key_file "${decoded}/log/keys.JOB" \
        --output_dir "${decoded}/log/output.JOB" ${asr_inference_args} || fail "${decoded}/log/inference.1.log"
    unfollow
    cat "${decoded}"/log/output.*/1best_recog/text | sort > "${decoded}/text"
}

asr_stages() {
    if ! is_transcribed 11 15; then return; fi
    codec_files=()
    if [ -n "${asr_codec}" ]; then codec_files=("${model_folder}"/*.safetensors); fi

    if runs 11; then
        if [ -n "${asr_codec}" ]; then need "${model_folder}/config.json" "stage 6"; fi
        folders=()
        for name in "${train_set}" "${valid_set}" ${test_sets}; do
            need "${data}/speech_${name}/wav.scp" "stage 1"
            folders+=("${data}/speech_${name}")
        done
        logfile=${asr_dump}/log/data.log
        step "${logfile}" asr_data --speech "${folders[@]}" --background "${data}/background_${test_sets%% *}" \
            --out "${asr_dump}" --speakers ${asr_speakers} ${asr_data_opts}
        need "${asr_dump}/train/text" "${logfile}"
        grep -E 'recordings(,| skipped)' "${logfile}"
        if [ -n "${denoise}" ]; then denoise_tests; fi
        if [ -n "${discrete}" ]; then make_units; fi
    fi

    if runs 12; then
        need "${asr_dump}/train/text" "stage 11"
        if ! up_to_date "${lists}/.done" "${vocabulary}" "${asr_dump}/train/text"; then
            logfile=${asr_dump}/log/tokens_${tokens}.log
            step "${logfile}" asr_token_list --text "${asr_dump}/train/text" --out "${lists}" --nbpe "${vocabulary}"
            need "${lists}/tokens.txt" "${logfile}"
            done_with "${lists}/.done" "${vocabulary}"
        fi
    fi

    if runs 13; then
        need "${lists}/tokens.txt" "stage 12"
        if ! up_to_date "${asr_stats_dir}/.done" "${token_opts[*]}" "${asr_dump}/train/text" "${lists}/tokens.txt"; then
            logfile=${asr_stats_dir}/log/collect.log
            collect_stats "${logfile}" "${train_program}" --config "${asr_config}" --output_dir "${asr_stats_dir}" \
                "${token_opts[@]}" "${codec_opts[@]}" "${data_opts[@]}" --batch_size 8 \
                --train_shape_file "${asr_dump}/train/utt2dur" --valid_shape_file "${asr_dump}/dev/utt2dur"
            need "${asr_stats_dir}/train/${shape}" "${logfile}"
            need "${asr_stats_dir}/valid/${shape}" "${logfile}"
            done_with "${asr_stats_dir}/.done" "${token_opts[*]}"
        fi
    fi

    if runs 14; then
        need "${asr_stats_dir}/train/${shape}" "stage 13"
        if [ -n "${asr_codec}" ]; then
            mkdir -p "${asr_exp}"
            checksum=$(cat "${codec_files[@]}" | sha256sum)
            [ -f "${asr_exp}/codec.sha256" ] || echo "${checksum}" > "${asr_exp}/codec.sha256"
            [ "$(cat "${asr_exp}/codec.sha256")" = "${checksum}" ] \
                || die "${asr_exp} was started with another codec than ${model} is now: remove it," \
                    "or give another --asr_tag."
        fi
        train "${asr_exp}" "${token_opts[*]} ${codec_opts[*]} ${asr_args}" "cer_ctc loss" \
            "${asr_config}" "${asr_dump}/train/text" "${codec_files[@]}" -- \
            "${train_program}" --config "${asr_config}" "${token_opts[@]}" "${data_opts[@]}" \
            --train_shape_file "${asr_stats_dir}/train/${shape}" --valid_shape_file "${asr_stats_dir}/valid/${shape}" \
            "${codec_opts[@]}" ${asr_args}
        need "${asr_exp}/${inference_asr_model}" "the training (${asr_exp}/train.log)"
    fi

    if runs 15; then
        need "${asr_exp}/${inference_asr_model}" "stage 14"
        sets=("${tests}"/test_*)
        for name in "${sets[@]}"; do need "${name}/text" "stage 11${denoise:+ with --denoise ${denoise}}"; done
        options="${inference_asr_model} ${asr_inference_args}"
        if ! up_to_date "${decoded}/.done" "${options}" "${asr_exp}/${inference_asr_model}" "${asr_inference_config}" \
            "${sets[0]}/text"; then
            recognize
            done_with "${decoded}/.done" "${options}"
        fi
        logfile=${decoded}/log/score.log
        step "${logfile}" asr_score --sets "${sets[@]}" --recognized "${decoded}/text" --out "${decoded}" \
            --command "./run.sh ${run_args}"
        need "${asr_exp}/RESULTS.md" "${logfile}"
        grep '^scored with' "${logfile}"
        cat "${asr_exp}/RESULTS.md"
        log "Error rates: ${asr_exp}/RESULTS.md, alignments: ${decoded}/<set>/{char,word}.align"
    fi
}
