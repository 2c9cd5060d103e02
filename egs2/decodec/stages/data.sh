# shellcheck shell=bash
# shellcheck disable=SC2154,SC2086,SC2206  # run.sh sets the variables; options are split into words
# To be sourced by run.sh: recordings to data directories and mixtures, stages 1 to 3.

filter_by_duration() { # filter_by_duration FROM TO: a data directory without recordings that are too short or too long
    local from=$1 to=$2 table
    need "${from}/utt2dur" local/data.sh
    mkdir -p "${to}"
    cp "${from}/utt2spk" "${to}/"
    for table in wav.scp utt2dur utt2class text noisy_speakers; do
        rm -f "${to}/${table}"
        if [ -f "${from}/${table}" ]; then cp "${from}/${table}" "${to}/"; fi
    done
    awk -v min="${min_wav_duration}" -v max="${max_wav_duration}" '$2 >= min && $2 <= max {print $1}' \
        "${from}/utt2dur" > "${to}/kept"
    utils/filter_scp.py "${to}/kept" < "${from}/wav.scp" > "${to}/wav.scp"
    rm "${to}/kept"
    [ -s "${to}/wav.scp" ] || die "no recording of ${from} lasts ${min_wav_duration} to ${max_wav_duration} s: change" \
        "--min_wav_duration or --max_wav_duration."
    utils/fix_data_dir.sh "${to}"
    log "${to}: $(wc -l < "${to}/wav.scp") of $(wc -l < "${from}/wav.scp") recordings"
}

mix() { # mix SET BACKGROUND OUT [OPTION ...]: the speech of a set over backgrounds
    local logfile=$3/log/make_mixtures.log table count=${per_condition}
    if [ "$1" = "${valid_set}" ] && [ -n "${protocol}" ]; then count=20; fi
    step "${logfile}" make_mixtures --speech "${data}/speech_$1" --background "$2" --out "$3" \
        --training_background "${data}/background_${train_set}" --per_condition "${count}" \
        ${mixture_opts} "${@:4}"
    for table in mixture.scp speech.scp background.scp utt2snr; do
        need "$3/${table}" "${logfile}"
    done
}

corpora_options() { # corpora_options: what to prepare, in the array <corpora>
    local word variable
    corpora=(--name "${size}" --speech ${speech} --background ${background})
    corpora+=(${rirs:+--rirs ${rirs}} ${protocol:+--protocol "${protocol}"})
    for word in ${speech} ${background} ${rirs}; do
        variable=${word%%:*}
        variable=${variable^^}
        if [[ "${variable}" =~ ^[A-Z0-9_]+$ ]] && [ -n "${!variable:-}" ]; then
            corpora+=(--path "${word%%:*}=${!variable}")
        fi
    done
}

prepare_corpora() { # prepare_corpora [OPTION ...]: list the recordings, convert them in a job array, write the tables
    local logs=${data}/log command=(local/data.sh "${corpora[@]}" --data "${datadir}" ${local_data_opts})
    export PYTHON=${python}
    if [ "${nj}" -gt 1 ]; then
        "${command[@]}" --list_only || die "local/data.sh failed, see above."
        ${train_cmd} JOB=1:"${nj}" "${logs}/convert.JOB.log" "${command[@]}" --part "JOB/${nj}" \
            || fail "${logs}/convert.1.log"
    fi
    "${command[@]}" --nj 1 || die "local/data.sh failed, see above."
}

pack() { # pack FOLDER: the recordings of a data directory in tar files, FOLDER/shards
    if up_to_date "$1/shards/.done" "" "$1/wav.scp"; then return; fi
    spread "$1/log/shards.log" "${nj}" recipe shards --data "$1" --out "$1/shards"
    need "$1/shards/shards.json" "$1/log/shards.log"
    done_with "$1/shards/.done" ""
}

data_stages() {
    if runs 1; then
        corpora=(--size "${size}")
        if [ -n "${speech}${background}${rirs}" ]; then
            [ -n "${speech}" ] && [ -n "${background}" ] || die "give both, --speech and --background."
            corpora_options
            prepare_corpora
        elif [ "${size}" = own ]; then
            [ -n "${OWN_SPEECH}" ] && [ -n "${OWN_BACKGROUND}" ] \
                || die "--size own needs OWN_SPEECH and OWN_BACKGROUND: set them in db.sh."
            corpora+=(--speech_dir "${OWN_SPEECH}" --background_dir "${OWN_BACKGROUND}")
        fi
        if [ -z "${speech}${background}${rirs}" ]; then
            PYTHON=${python} local/data.sh "${corpora[@]}" --data "${datadir}" --downloads "${downloads}" \
                --nj "${nj}" ${local_data_opts} || die "local/data.sh failed, see above."
        fi
        for name in "${train_set}" "${valid_set}" ${test_sets}; do
            need "${data}/speech_${name}/wav.scp" local/data.sh
            need "${data}/background_${name}/wav.scp" local/data.sh
        done
    fi

    if runs 2; then
        options="${min_wav_duration} ${max_wav_duration}"
        for name in "speech_${train_set}" "background_${train_set}"; do
            if ! up_to_date "${dump}/${name}/.done" "${options}" "${data}/${name}/wav.scp"; then
                filter_by_duration "${data}/${name}" "${dump}/${name}"
                "${python}" utils/validate_data_dir.py "${dump}/${name}" \
                    || die "${dump}/${name} is not valid, see above."
                done_with "${dump}/${name}/.done" "${options}"
            fi
            if ${shards}; then pack "${dump}/${name}"; fi
        done
        for name in "${valid_set}" ${test_sets}; do
            "${python}" utils/validate_data_dir.py "${data}/speech_${name}" "${data}/background_${name}" \
                || die "a data directory of ${name} is not valid, see above."
        done
    fi

    if runs 3; then
        if [ "${seen_sets}" = auto ]; then
            seen_sets=${test_sets}
            if [ "${size}" = mini ]; then seen_sets=; fi
        fi
        for name in "${valid_set}" ${test_sets}; do
            mix "${name}" "${data}/background_${name}" "${dump}/${name}"
        done
        for name in ${seen_sets}; do # without clean speech, which would repeat that of the set itself
            log "Mixtures with training backgrounds: ${dump}/${name}_seen"
            need "${dump}/background_${train_set}/wav.scp" "stage 2"
            mix "${name}" "${dump}/background_${train_set}" "${dump}/${name}_seen" --suffix seen --without clean
        done
    fi
}
