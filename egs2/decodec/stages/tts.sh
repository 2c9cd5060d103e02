# shellcheck shell=bash
# shellcheck disable=SC2154,SC2086  # run.sh sets the variables; options are split into words
# To be sourced by run.sh: speech synthesis on the codec's tokens, with a selectable background, stages 16 to 20.

tts_speakers=${tts_speakers:-$(default_speakers)}
if [ -z "${tts_config}" ]; then
    tts_config=conf/tts/train_tts.yaml
    if [ "${size}" = mini ]; then tts_config=conf/tts/train_tts_mini.yaml; fi
fi
${skip_tts} || [ -f "${tts_config}" ] || die "there is no config ${tts_config}: give --tts_config one of conf/tts."

tts_set=$(as_tag "${tts_speakers:-all}")${tts_data_opts:+_$(as_tag "${tts_data_opts}")}
tts_dump=${dump}/tts/${tts_set}
tts_tokens=${tts_dump}/tokens_${codec_name}
train_prompts=prompts_train_$(as_tag "${train_prompt_snrs}")
if [ -z "${tts_tag}" ]; then
    tts_tag=$(basename "${tts_config}" .yaml)
    tts_tag=${tts_tag#train_tts_}
    tts_tag=${tts_tag#train_}_${size}_${tts_set}_${codec_name}${tts_args:+_$(as_tag "${tts_args}")}
fi
tts_exp=${tts_exp:-${expdir}/tts_${tts_tag}}
tts_stats_dir=${expdir}/tts_stats_${size}_${tts_set}_${codec_name}
tts_model=${tts_exp}/model
tts_inference_args=${tts_voice_model:+--voice_model ${tts_voice_model} }${tts_inference_args}
synthesized=${tts_exp}/${tts_inference_tag:-synthesis${tts_inference_args:+_$(as_tag "${tts_inference_args}")}}

tts_data=(--token_list "${tts_dump}/tokens.json" --train_utt2spk "${tts_dump}/train/utt2spk"
    --valid_utt2spk "${tts_dump}/dev/utt2spk")
if [ "${model}" != shipped ]; then tts_data+=(--codec "${model}"); fi
for part in train/train valid/dev; do
    tts_data+=("--${part%/*}_data_path_and_name_and_type" "${tts_dump}/${part#*/}/text,text,text"
        "--${part%/*}_data_path_and_name_and_type" "${tts_tokens}/${part#*/}/codes_speech.scp,speech_codes,npy")
done
tts_data+=(--train_data_path_and_name_and_type "${tts_tokens}/${train_prompts}/codes_speech.scp,prompt_codes,npy")

# Systems of stages 19 and 20: their prompts, and the background of their output.
prompts=${tts_dump}/prompts_${prompt_snr}dB
denoised=${prompts}/denoised_$(as_tag "${prompt_denoiser}")
declare -A prompt_of=([none_clean]=clean [none]=noisy [unseparated]=unseparated/prompts
    [denoised]="${denoised##*/}/unseparated/prompts" [prompt]=noisy [file]=noisy)
declare -A background_of=([none_clean]=none [none]=none [unseparated]=none [denoised]=none [prompt]=prompt
    [file]=${prompts}/other.scp)
tts_systems="none_clean none unseparated ${prompt_denoiser:+denoised }prompt file"

tokenize_speech() { # tokenize_speech NAME SCP: speech tokens of recordings
    local logfile=${tts_tokens}/log/tokenize_$1.log
    if [ "${model_folder}/config.json" -nt "${tts_tokens}/$1/made_with.json" ]; then rm -rf "${tts_tokens:?}/$1"; fi
    step "${logfile}" tokenize "${model_opts[@]}" --nj "${inference_nj}" --background_levels 0 --scp "$2" \
        --out "${tts_tokens}/$1"
    need "${tts_tokens}/$1/codes_speech.scp" "${logfile}"
}

make_prompts() { # make_prompts SET BACKGROUND OUT MIN_SNR MAX_SNR [OPTION ...]: another recording of each speaker
    local logfile=${tts_dump}/log/prompts_$1.log
    need "${data}/background_$2/wav.scp" "stage 1"
    step "${logfile}" tts_prompts --data "${tts_dump}/$1" --background "${data}/background_$2" --out "$3" \
        --snrs "${@:4}"
    need "$3/noisy.scp" "${logfile}"
}

prepare_tts() {
    local speech=() name logfile=${tts_dump}/log/data.log options="${tts_speakers} ${tts_data_opts}"
    for name in "${train_set}" "${valid_set}" ${test_sets}; do
        need "${data}/speech_${name}/wav.scp" "stage 1"
        speech+=("${data}/speech_${name}")
    done
    need "${model_folder}/config.json" "stage 6"
    if ! up_to_date "${tts_dump}/.done" "${options}" "${speech[@]/%//wav.scp}"; then
        step "${logfile}" tts_data --data "${speech[@]}" --out "${tts_dump}" --speakers ${tts_speakers} ${tts_data_opts}
        need "${tts_dump}/tokens.json" "${logfile}"
        grep recordings "${logfile}"
        done_with "${tts_dump}/.done" "${options}"
    fi
    for name in train dev test; do tokenize_speech "${name}" "${tts_dump}/${name}/wav.scp"; done
    if ! up_to_date "${tts_dump}/${train_prompts}/.done" "" "${tts_dump}/train/wav.scp"; then
        rm -rf "${tts_dump:?}"/tokens_*/"${train_prompts}"
        make_prompts train "${train_set}" "${tts_dump}/${train_prompts}" ${train_prompt_snrs} --kinds noisy
        done_with "${tts_dump}/${train_prompts}/.done" ""
    fi
    tokenize_speech "${train_prompts}" "${tts_dump}/${train_prompts}/noisy.scp"
    log "Transcribed speech, tokens and prompts: ${tts_dump}"
}

train_tts() {
    local shapes=() part name
    need "${tts_stats_dir}/train/features_stats.npz" "stage 17"
    for part in train valid; do
        for name in text speech_codes; do
            shapes+=("--${part}_shape_file" "${tts_stats_dir}/${part}/${name}_shape")
        done
    done
    train "${tts_exp}" "${model} ${tts_args}" loss "${tts_config}" "${tts_stats_dir}/train/features_stats.npz" -- \
        espnet2_decodec.bin.tts_train --config "${tts_config}" "${tts_data[@]}" "${shapes[@]}" \
        --stats_file "${tts_stats_dir}/train/features_stats.npz" ${tts_args}
    need "${tts_exp}/${inference_tts_model}" "the training (${tts_exp}/train.log)"
    if ! up_to_date "${tts_model}/.done" "${inference_tts_model}" "${tts_exp}/${inference_tts_model}"; then
        step "${tts_exp}/log/export.log" tts_export --train_config "${tts_exp}/config.yaml" \
            --model_file "${tts_exp}/${inference_tts_model}" "${tts_model}"
        need "${tts_model}/model.safetensors" "${tts_exp}/log/export.log"
        done_with "${tts_model}/.done" "${inference_tts_model}"
    fi
}

synthesize() {
    local logfile system set options
    need "${tts_model}/model.safetensors" "stage 18"
    if ! up_to_date "${prompts}/.done" "${prompt_snr}" "${tts_dump}/test/wav.scp"; then
        make_prompts test "${test_sets%% *}" "${prompts}" "${prompt_snr}" "${prompt_snr}"
        done_with "${prompts}/.done" "${prompt_snr}"
    fi
    if [ -n "${prompt_denoiser}" ] && ! up_to_date "${denoised}/.done" "" "${prompts}/.done"; then
        logfile=${tts_dump}/log/prompts_denoised.log
        mkdir -p "${denoised}/from/noisy"
        cp "${prompts}/noisy.scp" "${denoised}/from/noisy/wav.scp"
        step "${logfile}" denoise --sets "${denoised}/from/noisy" --system "${prompt_denoiser}" \
            --out "${denoised}" --nj "${inference_nj}"
        need "${denoised}/noisy/wav.scp" "${logfile}"
        done_with "${denoised}/.done" ""
    fi
    options="${tts_systems} ${tts_inference_args}"
    if up_to_date "${synthesized}/.done" "${options}" "${tts_model}/model.safetensors" "${prompts}/.done"; then
        return
    fi
    logfile=${synthesized}/log/copy_synthesis.log
    step "${logfile}" tts_copy_synthesis --model "${tts_model}" --nj "${inference_nj}" \
        --tokens "${tts_tokens}/test/codes_speech.scp" --out "${synthesized}/copy_synthesis"
    need "${synthesized}/copy_synthesis/predicted_levels.scp" "${logfile}"
    for set in "${prompts}/noisy.scp ${prompts}" ${prompt_denoiser:+"${denoised}/noisy/wav.scp ${denoised}"}; do
        logfile=${synthesized}/log/unseparated_prompts.log
        step "${logfile}" tts_unseparated_prompts --model "${tts_model}" --prompts "${set% *}" \
            --out "${set#* }/unseparated" --nj "${inference_nj}"
        need "${set#* }/unseparated/prompts.scp" "${logfile}"
    done
    for system in ${tts_systems}; do
        logfile=${synthesized}/log/${system}.log
        job "${logfile}" espnet2_decodec.bin.tts_inference --model "${tts_model}" --nj "${inference_nj}" \
            --text "${tts_dump}/test/text" --prompts "${prompts}/${prompt_of[${system}]}.scp" \
            --background "${background_of[${system}]}" \
            --out "${synthesized}/${system}" ${tts_inference_args}
        need "${synthesized}/${system}/mix.scp" "${logfile}"
        log "Synthesized: ${synthesized}/${system}"
    done
    done_with "${synthesized}/.done" "${options}"
}

score_tts() {
    local logfile=${synthesized}/log/score.log options="${language} --keep ${keep} ${tts_score_opts}" system
    local systems=("recordings=${tts_dump}/test/wav.scp")
    need "${synthesized}/file/mix.scp" "stage 19"
    if ! up_to_date "${synthesized}/.scored" "${options}" "${synthesized}/.done"; then
        for system in all_levels predicted_levels; do
            systems+=("${system}=${synthesized}/copy_synthesis/${system}.scp")
        done
        for system in ${tts_systems}; do systems+=("${system}=${synthesized}/${system}"); done
        step "${logfile}" tts_score --out "${synthesized}" --text "${tts_dump}/test/text" \
            --references "${prompts}/clean.scp" --language "${language}" --keep "${keep}" --systems "${systems[@]}" \
            --backgrounds "prompt=${prompts}/background.scp" "file=${prompts}/other.scp" \
            --prompts "clean=${prompts}/clean.scp" "noisy=${prompts}/noisy.scp" ${tts_score_opts}
        need "${synthesized}/RESULTS.md" "${logfile}"
        grep skipped "${logfile}" || true
        done_with "${synthesized}/.scored" "${options}"
    fi
    cat "${synthesized}/RESULTS.md"
    log "Synthesized speech: $(realpath "${synthesized}")/{${tts_systems// /,},copy_synthesis}"
}

tts_stages() {
    if ! is_transcribed 16 20; then return; fi
    if runs 16; then prepare_tts; fi
    if runs 17; then
        need "${tts_tokens}/train/codes_speech.scp" "stage 16"
        if ! up_to_date "${tts_stats_dir}/.done" "${model}" "${tts_dump}/tokens.json" \
            "${model_folder}/config.json"; then
            logfile=${tts_stats_dir}/log/collect.log
            collect_stats "${logfile}" espnet2_decodec.bin.tts_train --config "${tts_config}" \
                --output_dir "${tts_stats_dir}" "${tts_data[@]}" --batch_size 16
            need "${tts_stats_dir}/train/features_stats.npz" "${logfile}"
            need "${tts_stats_dir}/valid/text_shape" "${logfile}"
            done_with "${tts_stats_dir}/.done" "${model}"
        fi
    fi
    if runs 18; then train_tts; fi
    if runs 19; then synthesize; fi
    if runs 20; then score_tts; fi
}
