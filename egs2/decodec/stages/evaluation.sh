# shellcheck shell=bash
# shellcheck disable=SC2154,SC2086  # run.sh sets the variables; options are split into words
# To be sourced by run.sh: tokens, waveforms and scores of the test sets, stages 7 to 10.

device_opts=()
if ${gpu_inference}; then device_opts=(--device cuda); fi

evaluate() { # evaluate OUT SYSTEMS OPTIONS SET ...: systems on the mixtures of all these sets
    local out=$1 systems=$2 options=$3 logfile=${1%/*}/log/${1##*/}.log last=${!#}
    need "${last}/mixture.scp" "stage 3"
    if ! up_to_date "${out}/.done" "${systems} ${options}" "${model_folder}/config.json" "${last}/utt2snr"; then
        spread "${logfile}" "${inference_nj}" evaluate --data "${@:4}" --systems ${systems} --out "${out}" \
            "${device_opts[@]}" ${options}
        need "${out}/summary.csv" "${logfile}"
        grep skipped "${logfile}" || true
        done_with "${out}/.done" "${systems} ${options}"
    fi
}

score_by_versa() { # score_by_versa SCORING MIXTURES: the decoded streams, in a job array for each
    local scoring=$1 stream config text part folders=()
    "${python}" -c 'import versa' 2> /dev/null || die "VERSA is not installed for ${python}: see docs/evaluation.md."
    for stream in speech background both; do
        [ -f "${scoring}/${stream}/wav.scp" ] || continue
        config=conf/score/versa.yaml text=()
        if [ "${stream}" = background ]; then config=conf/score/versa_background.yaml; fi
        if cmp -s <(cut -d' ' -f1 "${scoring}/${stream}/wav.scp") <(cut -d' ' -f1 "${scoring}/${stream}/text"); then
            text=(--text "${scoring}/${stream}/text")
        fi
        if ! up_to_date "${scoring}/${stream}/.versa" "${versa_opts}" "${config}" "${scoring}/${stream}/wav.scp"; then
            rm -rf "${scoring}/${stream}/versa"
            mkdir -p "${scoring}/${stream}/versa"
            for part in $(seq "${inference_nj}"); do
                awk -v part="${part}" -v parts="${inference_nj}" 'NR % parts == part % parts' \
                    "${scoring}/${stream}/wav.scp" > "${scoring}/${stream}/versa/wav.${part}.scp"
                need "${scoring}/${stream}/versa/wav.${part}.scp" "--inference_nj, which must not exceed the utterances,"
            done
            ${train_cmd} JOB=1:"${inference_nj}" "${scoring}/${stream}/versa/log/versa.JOB.log" \
                "${python}" -m versa.bin.scorer --pred "${scoring}/${stream}/versa/wav.JOB.scp" \
                --gt "${scoring}/${stream}/ref.scp" "${text[@]}" --score_config "${config}" --io soundfile \
                --output_file "${scoring}/${stream}/versa/versa.JOB.txt" ${versa_opts} \
                || fail "${scoring}/${stream}/versa/log/versa.1.log"
            done_with "${scoring}/${stream}/.versa" "${versa_opts}"
        fi
        folders+=("${stream}=${scoring}/${stream}/versa")
    done
    step "${scoring}/log/versa_summary.log" versa_summary "${folders[@]}" --conditions "$2/utt2snr" \
        --out "${scoring}/versa.md"
    log "Scores of VERSA: ${scoring}/versa.md"
}

evaluation_stages() {
    if runs 7; then
        need "${model_folder}/config.json" "stage 6"
        for name in ${test_sets}; do
            need "${dump}/${name}/mixture.scp" "stage 3"
            if [ "${model_folder}/config.json" -nt "${results}/${name}/tokens/made_with.json" ]; then
                rm -rf "${results:?}/${name}"
            fi
            spread "${results}/${name}/log/tokenize.log" "${inference_nj}" recipe tokenize "${model_opts[@]}" \
                "${device_opts[@]}" ${inference_args} --scp "${dump}/${name}/mixture.scp" \
                --out "${results}/${name}/tokens"
            need "${results}/${name}/tokens/codes_speech.scp" "${results}/${name}/log/tokenize.log"
            log "Tokens: ${results}/${name}/tokens"
        done
    fi

    if runs 8; then
        for name in ${test_sets}; do
            logfile=${results}/${name}/log/resynthesize.log
            spread "${logfile}" "${inference_nj}" recipe resynthesize "${model_opts[@]}" "${device_opts[@]}" \
                --streams speech background both --tokens "${results}/${name}/tokens" --out "${results}/${name}/wav"
            need "${results}/${name}/wav/both.scp" "${logfile}"
            step "${results}/${name}/log/scoring_dirs.log" scoring_dirs --mixtures "${dump}/${name}" \
                --decoded "${results}/${name}/wav" --out "${results}/${name}/scoring"
            need "${results}/${name}/scoring/both/wav.scp" "${results}/${name}/log/scoring_dirs.log"
            log "For VERSA and ESPnet's scoring: $(realpath "${results}/${name}/scoring")"
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
            if ${versa}; then score_by_versa "${results}/${name}/scoring" "${dump}/${name}"; fi
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
