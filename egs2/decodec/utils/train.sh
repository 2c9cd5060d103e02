# shellcheck shell=bash
# shellcheck disable=SC2154  # run.sh sets train_threads, ngpu, ...
# To be sourced by run.sh: the training of a model, the same for codec, recognizer and synthesizer.

follow() { # follow LOG FIGURE ...: print steps and epochs from a log of ESPnet, with these figures of the validation
    local logfile=$1 figure number=2 line='epoch \1: training loss \2'
    local pattern='^.*INFO: ([0-9]+)epoch results: \[train\].* loss=([^,]+),.*\[valid\]'
    for figure in "${@:2}"; do # in the order of the log
        pattern+=".* ${figure}=([^,]+),"
        line+=", validation ${figure} \\$((number += 1))"
    done
    tail -n +1 -F --pid $$ "${logfile}" 2> /dev/null | sed -u -nE \
        -e 's/^.*INFO: (epoch [0-9]+\/[0-9]+, step .*|k-means .*)/\1/p' \
        -e 's/^.*INFO: ([0-9]+)epoch:train:[0-9]+-([0-9]+)batch:.* loss=([^,]+),.*/epoch \1, step \2: loss \3/p' \
        -e 's/^.*INFO: Niter: ([0-9]+)$/statistics: \1 batches/p' -e "s/${pattern}.*/${line}/p" &
    follower=$!
}

collect_stats() { # collect_stats LOG MODULE ARGUMENT ...: run ESPnet's collection of statistics
    follow "$1"
    job "$@" --collect_stats true --ngpu 0 --batch_type unsorted
    unfollow
}

unfollow() {
    if [ -n "${follower:-}" ]; then
        sleep 1 # until it has printed the last line
        kill "${follower}" 2> /dev/null || true
        wait "${follower}" 2> /dev/null || true
        follower=
    fi
}

train() { # train EXP OPTIONS "FIGURE ..." INPUT ... -- MODULE ARGUMENT ...: train, or resume, unless it is up to date
    local exp=$1 options=$2 figures=$3 inputs=() logfile command
    shift 3
    while [ "$1" != -- ]; do
        inputs+=("$1")
        shift
    done
    shift
    if up_to_date "${exp}/.trained" "${options}" "${inputs[@]}"; then return; fi
    logfile=${exp}/log/train.$(date +%Y%m%d_%H%M%S).log
    mkdir -p "${exp}/log"
    ln -sfn "log/${logfile##*/}" "${exp}/train.log"
    {
        printf '#!/usr/bin/env bash\n# Start or resume this training and the stages after it.\n'
        printf 'cd %q && exec ./run.sh %s--stage %s "$@"\n' "${PWD}" "${run_args}" "${current}"
    } > "${exp}/run.sh"
    chmod +x "${exp}/run.sh"
    log "Training $([ "${ngpu}" = 0 ] && echo "on the CPU" || echo "on ${ngpu} GPU(s)"), log: ${exp}/train.log"
    log "To resume: ${exp}/run.sh"
    # shellcheck disable=SC2086
    follow "${logfile}" ${figures}
    command=("${python}" -m "$1" --output_dir "${exp}" --resume true "${@:2}")
    if [ "${num_nodes}" -le 1 ]; then
        OMP_NUM_THREADS=${train_threads} ${cuda_cmd} --gpu "${ngpu}" "${logfile}" "${command[@]}" \
            --ngpu "${ngpu}" --multiprocessing_distributed true
    else
        OMP_NUM_THREADS=${train_threads} "${python}" -m espnet2.bin.launch --cmd "${cuda_cmd}" --log "${logfile}" \
            --ngpu "${ngpu}" --num_nodes "${num_nodes}" --init_file_prefix "${exp}/.dist_init_" \
            --multiprocessing_distributed true -- "${command[@]}"
    fi || fail "${logfile}" "a model that was changed cannot be resumed: remove ${exp} to train it from the start"
    unfollow
    need "${exp}/config.yaml" "the training (${logfile})"
    done_with "${exp}/.trained" "${options}"
}
