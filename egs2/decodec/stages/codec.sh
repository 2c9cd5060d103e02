# shellcheck shell=bash
# shellcheck disable=SC2154,SC2086  # run.sh sets the variables; options are split into words
# To be sourced by run.sh: training and export of the codec, stages 4 to 6, unless a trained one is given.

codec_stages() {
    if [ -n "${download_model}" ]; then return; fi

    if runs 4; then
        if [ "${teacher}" = whisper ] && [ ! -s "${dumpdir}/teacher.safetensors" ]; then
            step "${dumpdir}/log/teacher.log" export_teacher "${dumpdir}/teacher.safetensors"
            need "${dumpdir}/teacher.safetensors" "${dumpdir}/log/teacher.log"
        fi
        log "Semantic teacher: ${teacher:-the one of ${train_config}}"
    fi

    if runs 5; then
        [ -f "${train_config}" ] || die "there is no config ${train_config}: give --train_config one of conf/codec."
        need "${dump}/speech_${train_set}/wav.scp" "stage 2"
        need "${dump}/${valid_set}/mixture.scp" "stage 3"
        case "${teacher}" in
            "") options=${train_args} ;;
            whisper) options="--codec_conf teacher=whisper:${dumpdir}/teacher.safetensors ${train_args}" ;;
            none) options="--codec_conf teacher=null ${train_args}" ;;
            *) options="--codec_conf teacher=${teacher} ${train_args}" ;;
        esac
        speech_data="${dump}/speech_${train_set}/wav.scp,audio,sound"
        background_data=${dump}/background_${train_set}/wav.scp
        if ${shards}; then
            speech_data="${dump}/speech_${train_set}/shards/shards.json,audio,shards"
            background_data=${dump}/background_${train_set}/shards/shards.json
            need "${background_data}" "stage 2 with --shards true"
        fi
        rooms=()
        if [ -s "${data}/rir_${train_set}/wav.scp" ]; then
            rooms=(--preprocessor_conf rir_scp="${data}/rir_${train_set}/wav.scp")
        fi
        train "${codec_exp}" "${options}" distance "${train_config}" "${dump}/speech_${train_set}/wav.scp" -- \
            espnet2_decodec.bin.codec_train --config "${train_config}" --use_preprocessor true \
            --train_data_path_and_name_and_type "${speech_data}" \
            --valid_data_path_and_name_and_type "${dump}/${valid_set}/mixture.scp,audio,sound" \
            --valid_data_path_and_name_and_type "${dump}/${valid_set}/speech.scp,speech,sound" \
            --valid_data_path_and_name_and_type "${dump}/${valid_set}/background.scp,background,sound" \
            --preprocessor_conf background_scp="${background_data}" "${rooms[@]}" \
            ${options}
        step "${codec_exp}/log/check.log" check_training "${codec_exp}"
        show "${codec_exp}/log/check.log"
    fi

    if runs 6; then
        need "${codec_exp}/${inference_model}" "the training (${codec_exp}/train.log)"
        if ! up_to_date "${model}/.done" "${inference_model}" "${codec_exp}/${inference_model}"; then
            rm -rf "${model}"
            step "${codec_exp}/log/export.log" export_codec --train_config "${codec_exp}/config.yaml" \
                --model_file "${codec_exp}/${inference_model}" "${model}"
            need "${model}/config.json" "${codec_exp}/log/export.log"
            done_with "${model}/.done" "${inference_model}"
        fi
    fi
}
