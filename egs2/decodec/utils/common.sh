# shellcheck shell=bash
# shellcheck disable=SC2154  # stage, stop_stage, ... are set by decodec.sh
# To be sourced by decodec.sh: what its stages share.

log() { # log MESSAGE: with date, file, line and function
    echo "$(date '+%Y-%m-%dT%H:%M:%S') (${BASH_SOURCE[1]##*/}:${BASH_LINENO[0]}:${FUNCNAME[1]}) $*"
}

die() { # die MESSAGE
    log "Error: $*" >&2
    exit 1
}

runs() { # runs N: whether stage N is asked for
    current=$1
    [ "${stage}" -le "$1" ] && [ "${stop_stage}" -ge "$1" ]
}

as_tag() { # as_tag "--some_option 3": some text of options as a part of a file name
    echo "$*" | sed -E -e 's/^ *--//' -e 's/ +--/_/g' -e 's/[ =]+//g' -e 's/[^A-Za-z0-9_.+-]/-/g'
}

up_to_date() { # up_to_date MARKER OPTIONS [INPUT ...]: done with these options, and no input is newer
    local marker=$1 options=$2 input
    [ -f "${marker}" ] && [ "$(cat "${marker}")" = "${options}" ] || return 1
    for input in "${@:3}"; do
        if [ "${input}" -nt "${marker}" ]; then return 1; fi
    done
    log "Done already; remove ${marker} to do it again."
}

done_with() { # done_with MARKER OPTIONS
    echo "$2" > "$1"
}

need() { # need FILE WHO: stop if WHO did not make FILE although it ended without error
    [ -s "$1" ] || die "$1 is missing or empty, which $2 should have written; stage ${current:-?} cannot go on."
}

fail() { # fail LOG [ADVICE]: after a job that failed
    unfollow
    if [ -f "$1" ] && [[ "${train_cmd}" != *run.py* ]]; then # which has shown the end of it
        echo "Errors in $1:" >&2
        grep -iE '(error|exception|killed|no space)\b' "$1" | tail -n 5 >&2 || tail -n 5 "$1" >&2
    fi
    die "stage ${current} failed; once it is mended, go on with --stage ${current}${2:+; $2}"
}

follow() { # follow LOG: show the progress that training reports in a log which is still to be written
    tail -n +1 -F --pid $$ "$1" 2> /dev/null | sed -u -nE \
        -e 's/^.*INFO: (epoch [0-9]+\/[0-9]+, step .*)/\1/p' \
        -e 's/^.*INFO: ([0-9]+)epoch results: \[train\].* loss=([^,]+),.*\[valid\].* distance=([^,]+),.*/epoch \1: training loss \2, validation distance \3/p' &
    follower=$!
}

unfollow() {
    if [ -n "${follower:-}" ]; then
        sleep 1 # for its last line
        kill "${follower}" 2> /dev/null || true
        wait "${follower}" 2> /dev/null || true
        follower=
    fi
}

launch() { # launch LOG COMMAND ...: training on one machine or several
    local logfile=$1
    shift
    if [ "${num_nodes}" -le 1 ]; then
        ${cuda_cmd} --gpu "${ngpu}" "${logfile}" "$@" --ngpu "${ngpu}" --multiprocessing_distributed true
    else
        ${python} -m espnet2.bin.launch --cmd "${cuda_cmd}" --log "${logfile}" --ngpu "${ngpu}" --num_nodes "${num_nodes}" \
            --init_file_prefix "${codec_exp}/.dist_init_" --multiprocessing_distributed true -- "$@"
    fi
}

filter_by_duration() { # filter_by_duration FROM TO MIN MAX: a data directory without recordings that are too short or too long
    local from=$1 to=$2 table
    need "${from}/utt2dur" local/data.sh
    mkdir -p "${to}"
    cp "${from}/utt2spk" "${to}/"
    for table in wav.scp utt2dur utt2class text noisy_speakers; do
        rm -f "${to}/${table}"
        if [ -f "${from}/${table}" ]; then cp "${from}/${table}" "${to}/"; fi
    done
    awk -v min="$3" -v max="$4" '$2 >= min && $2 <= max {print $1}' "${from}/utt2dur" > "${to}/kept"
    utils/filter_scp.py "${to}/kept" < "${from}/wav.scp" > "${to}/wav.scp"
    rm "${to}/kept"
    [ -s "${to}/wav.scp" ] || die "no recording of ${from} lasts $3 to $4 s: change --min_wav_duration, --max_wav_duration"
    utils/fix_data_dir.sh "${to}"
    log "${to}: $(wc -l < "${to}/wav.scp") of $(wc -l < "${from}/wav.scp") recordings"
}

resolve_ngpu() { # resolve_ngpu: ngpu=auto becomes 1 where nvidia-smi lists a GPU, else 0
    if [ "${ngpu}" = auto ]; then
        ngpu=0
        if nvidia-smi --list-gpus 2> /dev/null | grep -q GPU; then ngpu=1; fi
    fi
}
