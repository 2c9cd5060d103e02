# shellcheck shell=bash
# shellcheck disable=SC2154  # run.sh sets stage, stop_stage, ...
# To be sourced by run.sh: functions that the stages share.

log() { # log MESSAGE: with date, file, line and function
    echo "$(date '+%Y-%m-%dT%H:%M:%S') (${BASH_SOURCE[1]##*/}:${BASH_LINENO[0]}:${FUNCNAME[1]}) $*"
}

die() { # die MESSAGE: stop with an error; within a stage, name it and the call that continues from there
    unfollow
    log "Error: $*" >&2
    if [ -n "${current:-}" ]; then
        log "Stage ${current} (${current_name}) failed: fix the cause, then rerun with" \
            "./run.sh ${run_args}--stage ${current}" >&2
    fi
    current=
    exit 1
}

on_exit() { # on_exit: trap for commands that fail without calling die
    local status=$?
    unfollow
    if [ "${status}" -ne 0 ] && [ -n "${current:-}" ]; then die "a command of ${0##*/} ended with status ${status}."; fi
}

runs() { # runs N: whether stage N is selected; logs its name
    local number kind part name
    current=
    [ "${stage}" -le "$1" ] && [ "${stop_stage}" -ge "$1" ] || return 1
    read -r number kind part name < <(grep -E "^ *$1 " <<< "${stages}")
    local skip_kind=skip_${kind} skip_part=skip_${part}
    if ${!skip_kind} || ${!skip_part:-false}; then return 1; fi
    current=${number} current_name=${name}
    log "Stage ${number}: ${name}"
}

as_tag() { # as_tag "--some_option 3": options as a part of a file name
    echo "$*" | sed -E -e 's/^ *--//' -e 's/ +--/_/g' -e 's/[ =]+//g' -e 's/[^A-Za-z0-9_.+-]/-/g'
}

corpora_tag() { # corpora_tag "libritts:train-clean-100 vctk": a part of the name of the data
    local word tag=
    for word in $1; do
        tag+=_${word##*/}
    done
    as_tag "${tag#_}"
}

up_to_date() { # up_to_date MARKER OPTIONS [INPUT ...]: whether MARKER was written with these options, after all inputs
    local marker=$1 options=$2 input
    [ -f "${marker}" ] && [ "$(cat "${marker}")" = "${options}" ] || return 1
    for input in "${@:3}"; do
        if [ "${input}" -nt "${marker}" ]; then return 1; fi
    done
    log "Up to date; remove ${marker} to repeat it."
}

done_with() { # done_with MARKER OPTIONS
    mkdir -p "$(dirname "$1")"
    echo "$2" > "$1"
}

need() { # need FILE SOURCE: stop if FILE, which SOURCE writes, is missing
    [ -s "$1" ] || die "$1 is missing or empty, although $2 should have written it."
}

fail() { # fail LOG [ADVICE]: stop after a job that failed
    unfollow
    if [ -f "$1" ] && [[ "${train_cmd}" != *run.py* ]]; then # run.py prints the last lines itself
        echo "The last lines of $1:" >&2
        tail -n 15 "$1" >&2
    fi
    die "a job failed, see $1${2:+; $2}."
}

job() { # job LOG MODULE [ARGUMENT ...]: run a Python module by ${train_cmd}
    local logfile=$1
    shift
    ${train_cmd} "${logfile}" "${python}" -m "$@" || fail "${logfile}"
}

step() { # step LOG NAME [ARGUMENT ...]: run a step of `decodec recipe`
    job "$1" espnet2_decodec recipe "${@:2}"
}

spread() { # spread LOG N COMMAND [ARGUMENT ...]: a command of `decodec` in a job array of N parts, then its tables
    local logfile=$1 count=$2
    if [ "${count}" -gt 1 ]; then
        ${train_cmd} JOB=1:"${count}" "${logfile%.log}.JOB.log" \
            "${python}" -m espnet2_decodec "${@:3}" --part "JOB/${count}" || fail "${logfile%.log}.1.log"
    fi
    job "${logfile}" espnet2_decodec "${@:3}"
}

show() { # show LOG: print the output of a job, without the lines that ${train_cmd} adds
    grep -v '^#' "$1" || true
}

is_transcribed() { # is_transcribed FIRST LAST: whether these stages can run: not if the speech has no transcripts
    local texts=("${data}"/speech_*/text)
    if [ "${stage}" -gt "$2" ] || [ "${stop_stage}" -lt "$1" ] || [ -f "${texts[0]}" ]; then return; fi
    if [ ! -f "${data}/speech_${train_set}/wav.scp" ]; then return; fi
    log "The recordings of ${data}/speech_* have no transcripts: stages $1 to $2 are skipped"
    return 1
}

default_speakers() { # default_speakers: transcribed speakers for recognition and synthesis
    case "${size}" in
        mini) echo asterisk_ru ;;
        standard) echo festvox_ru ;;
    esac
}
