# shellcheck shell=bash
# To be sourced: where the recordings are that you bring yourself (--size own). `mini` lies in the repository and `standard`
# is fetched, so neither needs anything here.

# Folders of clean speech, and of sounds without speech: any sample rate, any number of channels, any depth of folders.
OWN_SPEECH="${OWN_SPEECH:-}"
OWN_BACKGROUND="${OWN_BACKGROUND:-}"
export OWN_SPEECH OWN_BACKGROUND
