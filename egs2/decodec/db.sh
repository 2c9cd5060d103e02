# shellcheck shell=bash
# To be sourced: where the recordings are that you bring yourself (--size own). `mini` lies in the repository and `standard`
# is fetched, so neither needs anything here.

# A folder of clean speech, in it one folder for each speaker; and a folder of sounds without speech, in it one folder for each
# source. Any sample rate, number of channels and format that soundfile reads. A folder inside stays on one side of the split.
OWN_SPEECH="${OWN_SPEECH:-}"
OWN_BACKGROUND="${OWN_BACKGROUND:-}"
