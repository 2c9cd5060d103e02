# shellcheck shell=bash
# To be sourced: the folders of your own recordings for --size own. The sizes mini and standard need no settings.

# A folder of clean speech with one folder per speaker, and a folder of sounds without speech with one folder per
# source, in any sample rate, number of channels and format that soundfile reads. Each folder inside is in one set only.
OWN_SPEECH="${OWN_SPEECH:-}"
OWN_BACKGROUND="${OWN_BACKGROUND:-}"
