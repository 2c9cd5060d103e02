# shellcheck shell=bash
# shellcheck disable=SC2154  # run.sh sets the variables
# To be sourced by run.sh: one page with the evaluation, converted and synthesized speech, stage 21.

report_stage() {
    if runs 21; then
        for name in ${test_sets}; do
            evaluation=${results}/${name}/evaluation
            page=${results}/${name}/report
            need "${evaluation}/scores.csv" "stage 9"
            examples=()
            for folder in "${results}/${name}/conversion/examples" "${expdir}"/tts_*"_${size}_"*/*/examples; do
                if [ -s "${folder}/examples.csv" ]; then examples+=("${folder}"); fi
            done
            if [ ! -s "${page}/index.html" ]; then rm -f "${page}/.done"; fi
            if ! up_to_date "${page}/.done" "${examples[*]}" "${evaluation}/scores.csv" "${examples[@]/%//examples.csv}"; then
                logfile=${results}/${name}/log/report.log
                job "${logfile}" espnet2_decodec report "${evaluation}" --output "${page}" --force \
                    --title "Codecs and denoisers on ${size} ${name}" ${examples[@]:+--examples "${examples[@]}"}
                need "${page}/index.html" "${logfile}"
                done_with "${page}/.done" "${examples[*]}"
            fi
            log "Tables, plots and audio: open $(realpath "${page}/index.html") in a browser"
        done
    fi
}
