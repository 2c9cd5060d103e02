# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # run.sh sets and uses the options
# To be sourced by run.sh: options of a publication's experiment, where they are not given.

apply_protocol() { # apply_protocol: set the options that --protocol stands for
    [ "${protocol}" = paper ] || die "there is no protocol '${protocol}'; there is: paper."
    # Training: AISHELL-3, LibriTTS, VCTK and WSJ; ESC-50 and noises of the DNS Challenge. Test: LibriSpeech test-clean.
    if [ -z "${speech}" ]; then
        speech="libritts:train-clean-100,train-clean-360,train-other-500,dev-clean vctk aishell3 librispeech:test-clean"
        if [ -n "${WSJ}" ]; then
            speech+=" kaldi:${WSJ}"
        else
            log "WSJ, which has a license of the LDC, is left out: set WSJ in db.sh to a Kaldi directory of it to add it"
        fi
    fi
    background=${background:-esc50 dns}
    corpora_name=${corpora_name:-paper}
    train_config=${train_config:-conf/codec/train_decodec_paper.yaml}
    # Each of the 300 utterances clean, and with noise at -5 to 20 dB.
    per_condition=${per_condition:-300}
    mixture_opts=${mixture_opts:---whole_utterances --snrs -5 0 5 10 15 20 clean}
    if [ "${seen_sets}" = auto ]; then seen_sets=; fi
}
