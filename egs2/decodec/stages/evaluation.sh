# shellcheck shell=bash
# shellcheck disable=SC2154,SC2086  # run.sh sets the variables; options are split into words
# To be sourced by run.sh: tokens, waveforms and scores of the test sets, stages 7 to 10.

device_opts=()
if ${gpu_inference}; then device_opts=(--device cuda); fi

evaluate() { # evaluate OUT SYSTEMS OPTIONS SET ...: systems on the mixtures of all these sets
    local out=$1 systems=$2 options=$3 logfile=${1%/*}/log/${1##*/}.log last=${!#}
    need "${last}/mixture.scp" "stage 3"
    if ! up_to_date "${out}/.done" "${systems} ${options}" "${model_folder}/config.json" "${last}/utt2snr"; then
        job "${logfile}" espnet2_decodec evaluate --data "${@:4}" --systems ${systems} --out "${out}" \
            --nj "${inference_nj}" "${device_opts[@]}" ${options}
        need "${out}/summary.csv" "${logfile}"
        grep skipped "${logfile}" || true
        done_with "${out}/.done" "${systems} ${options}"
    fi
}

evaluation_stages() {
    if runs 7; then
        need "${model_folder}/config.json" "stage 6"
        for name in ${test_sets}; do
            need "${dump}/${name}/mixture.scp" "stage 3"
            if [ "${model_folder}/config.json" -nt "${results}/${name}/tokens/made_with.json" ]; then
                rm -rf "${results:?}/${name}"
            fi
            step "${results}/${name}/log/tokenize.log" tokenize "${model_opts[@]}" "${device_opts[@]}" \
                --nj "${inference_nj}" ${inference_args} --scp "${dump}/${name}/mixture.scp" \
                --out "${results}/${name}/tokens"
            need "${results}/${name}/tokens/codes_speech.scp" "${results}/${name}/log/tokenize.log"
            log "Tokens: ${results}/${name}/tokens"
        done
    fi

    if runs 8; then
        for name in ${test_sets}; do
            logfile=${results}/${name}/log/resynthesize.log
            step "${logfile}" resynthesize "${model_opts[@]}" "${device_opts[@]}" --nj "${inference_nj}" \
                --streams speech background both --tokens "${results}/${name}/tokens" --out "${results}/${name}/wav"
            need "${results}/${name}/wav/both.scp" "${logfile}"
            log "Mixtures: $(realpath "${dump}/${name}/wav/mixture")"
            log "Decoded streams: $(realpath "${results}/${name}/wav")"
        done
    fi

    if runs 9; then
        need "${model_folder}/config.json" "stage 6"
        codec=decodec
        if [ "${model}" != shipped ]; then codec+=:${model}; fi
        levels=$(sed -E 's/--(speech|background)_levels +([0-9]+)/\1=\2/g; s/ +/,/g' <<< "${inference_args}")
        evaluate_systems=${evaluate_systems:-mixture silence ${codec}${levels:+:${levels}}
            ${codec}:levels=1 ${codec}:levels=3 ${codec}:unquantized
            ${codec}:ceiling${levels:+,${levels}} ${codec}:residual${levels:+,${levels}}
            opus:6 opus:8 opus:12 rnnoise dtln gtcrn deepfilternet gtcrn+${codec}}
        for name in ${test_sets}; do
            out=${results}/${name}/evaluation
            evaluate "${out}" "${evaluate_systems}" \
                "--targets speech background mixture remix --keep ${keep} ${evaluate_opts}" "${dump}/${name}"
            if [ -f "${dump}/${name}_seen/utt2snr" ]; then # separate: the main figures are those of unseen backgrounds
                evaluate "${out}_seen" "mixture ${codec} ${codec}:unquantized" "--conditions 0 10 ${evaluate_opts}" \
                    "${dump}/${name}" "${dump}/${name}_seen"
            fi
            awk '/^## / { show = /: SI-SDR \(dB\)$/ } show' "${out}/summary.md"
            log "All scores: ${out}/summary.md, those of each recording: ${out}/scores.csv"
        done
    fi

    if ${conversion} && runs 10; then
        need "${model_folder}/config.json" "stage 6"
        for name in ${test_sets}; do
            out=${results}/${name}/conversion
            references=() # speech of the test set first; the target is always another speaker
            for part in "${name}" "${valid_set}" "${train_set}"; do
                if [ -s "${data}/speech_${part}/utt2dur" ]; then references+=("${data}/speech_${part}"); fi
            done
            [ ${#references[@]} -gt 0 ] || continue
            options="--recognizer none --num_targets 1 --limit 1 --keep 1 ${conversion_opts}"
            if ! up_to_date "${out}/.done" "${options}" "${model_folder}/config.json" "${dump}/${name}/utt2snr"; then
                logfile=${results}/${name}/log/conversion.log
                step "${logfile}" score_conversion "${model_opts[@]}" "${device_opts[@]}" --data "${dump}/${name}" \
                    --references "${references[@]}" --out "${out}" ${options}
                grep '^[^-].*skipped' "${logfile}" || true
                grep -q '^Voice conversion is skipped' "${logfile}" || need "${out}/conversion.csv" "${logfile}"
                done_with "${out}/.done" "${options}"
            fi
            log "Converted recordings: ${out}"
        done
    fi
}
