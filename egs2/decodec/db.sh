# shellcheck shell=bash
# shellcheck disable=SC2034  # stages/data.sh uses the variables by their names
# To be sourced: where your recordings and corpora are. The sizes mini and standard need no settings.

# For --size own: a folder of clean speech with one folder per speaker, and a folder of sounds without speech with one
# folder per source, in any sample rate, number of channels and format that soundfile reads. Each folder inside is in
# one set only.
OWN_SPEECH="${OWN_SPEECH:-}"
OWN_BACKGROUND="${OWN_BACKGROUND:-}"

# For --speech, --background and --rirs: the unpacked corpora, or the folders that contain them.
LIBRITTS="${LIBRITTS:-}"          # LibriTTS or LibriTTS_R
LIBRISPEECH="${LIBRISPEECH:-}"    # LibriSpeech
VCTK="${VCTK:-}"                  # VCTK-Corpus-0.92
AISHELL3="${AISHELL3:-}"          # data_aishell3
WSJ="${WSJ:-}"                    # a Kaldi directory of WSJ (si284), for --protocol paper
MUSAN="${MUSAN:-}"                # musan
WHAM="${WHAM:-}"                  # wham_noise
DNS="${DNS:-}"                    # DNS-Challenge
ESC50="${ESC50:-}"                # ESC-50-master
FSD50K="${FSD50K:-}"              # FSD50K
DEMAND="${DEMAND:-}"              # DEMAND, with the folders DKITCHEN, ...
RIRS_NOISES="${RIRS_NOISES:-}"    # RIRS_NOISES
OPEN="${OPEN:-}"                  # a folder of open recordings with a manifest.tsv
