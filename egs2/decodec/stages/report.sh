# shellcheck shell=bash
# shellcheck disable=SC2154  # run.sh sets the variables
# To be sourced by run.sh: one page with the evaluation, converted and synthesized speech, and error rates, stage 21.

report_stage() {
    if runs 21; then
        for name in ${test_sets}; do
            evaluation=${results}/${name}/evaluation
            page=${results}/${name}/report
            need "${evaluation}/scores.csv" "stage 9"
            examples=() documents=()
            for folder in "${results}/${name}/conversion/examples" "${expdir}"/tts_*"_${size}_"*/*/examples; do
                if [ -s "${folder}/examples.csv" ]; then examples+=("${folder}"); fi
            done
            for file in "${expdir}"/asr_*"_${size}_"*/RESULTS.md "${expdir}"/tts_*"_${size}_"*/*/RESULTS.md; do
                if [ -s "${file}" ]; then documents+=("${file}"); fi
            done
            if [ ! -s "${page}/index.html" ]; then rm -f "${page}/.done"; fi
            if ! up_to_date "${page}/.done" "${examples[*]} ${documents[*]}" \
                "${evaluation}/scores.csv" "${examples[@]/%//examples.csv}" \
                "${documents[@]}"; then
                logfile=${results}/${name}/log/report.log
                job "${logfile}" espnet2_decodec report "${evaluation}" --output "${page}" --force \
                    --title "Codecs and denoisers on ${size} ${name}" ${examples[@]:+--examples "${examples[@]}"} \
                    ${documents[@]:+--documents "${documents[@]}"}
                need "${page}/index.html" "${logfile}"
                done_with "${page}/.done" "${examples[*]} ${documents[*]}"
            fi
            log "Tables, plots and audio: open $(realpath "${page}/index.html") in a browser"
        done
    fi
}
