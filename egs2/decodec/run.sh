#!/usr/bin/env bash
# DeCodec on the corpus `mini`, `standard` or `own`, or on corpora by name: data, codec, evaluation, speech recognition,
# speech synthesis, and a page with the results. See --help.
# shellcheck disable=SC2034  # the sourced files use the options, some by their names

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# General
stage=1                # First stage.
stop_stage=21          # Last stage.
skip_data_prep=false   # Skip the stages that prepare data.
skip_train=false       # Skip the stages that train models.
skip_eval=false        # Skip the stages that decode and score.
skip_asr=false         # Skip speech recognition.
skip_tts=false         # Skip speech synthesis.
ngpu=auto              # GPUs per machine for training; 0 = CPU; auto = 1 if nvidia-smi lists one, otherwise 0.
num_nodes=1            # Machines for training.
nj=2                   # Parallel processes of data preparation.
inference_nj=2         # Parallel processes of decoding and scoring.
gpu_inference=false    # Run codec and recognizer on a GPU in decoding (with --inference_nj 1).
train_threads=1        # CPU threads of each training process.
datadir=data           # Data directories.
dumpdir=dump           # Data derived from them: filtered lists, mixtures, tokens.
expdir=exp             # Experiments.
downloads=downloads    # Downloaded packages.
python=python3         # Python interpreter.

# Data
size=mini              # Corpus: mini (in the repository), standard (downloaded), own (your recordings, see db.sh).
speech=                # In place of --size: speech corpora, e.g. "libritts vctk"; their paths are in db.sh.
background=            # Background corpora, e.g. "musan wham".
rirs=                  # Room impulse responses for training, e.g. "rirs_noises".
protocol=              # Corpora, test set and training config of a publication: paper (the paper of DeCodec).
corpora_name=          # Name of these corpora in <datadir>, <dumpdir> and <expdir>; default: their names, or the protocol.
local_data_opts=       # Further options of local/data.sh.
train_set=train        # Training set: speech_<train_set> and background_<train_set> in <datadir>/<size>.
valid_set=dev          # Validation set.
test_sets="test"       # Test sets, separated by spaces.
min_wav_duration=0.15  # Seconds; shorter training recordings are removed.
max_wav_duration=120   # Seconds; longer training recordings are removed.
shards=false           # Pack the training recordings into tar files, for corpora of very many recordings.
per_condition=         # Mixtures per SNR in validation and test sets; default: 20, or those of the protocol.
seen_sets=auto         # Test sets also mixed with training backgrounds, as <set>_seen; auto = all, none for mini.
mixture_opts=          # Further options of decodec recipe make_mixtures.

# Codec
train_config=          # Training config; default: conf/codec/train_decodec.yaml, for mini train_decodec_mini.yaml.
train_args=            # Training options that override the config, e.g. "--max_epoch 1".
tag=                   # Name of the experiment; default: from config, size and train_args.
codec_exp=             # Folder of the experiment; default: <expdir>/codec_<tag>.
teacher=               # Semantic teacher: whisper, logmel, hubert:FOLDER, none; default: the one of the config.
inference_model=valid.distance.best.pth  # Checkpoint to export.
download_model=        # Codec to use in place of training one: folder, name of one in the package, "shipped" = its default.

# Evaluation
inference_args=        # Levels to decode, e.g. "--speech_levels 4 --background_levels 0".
inference_tag=         # Name of the results folder; default: from inference_args.
evaluate_systems=      # Systems of stage 9, see decodec evaluate --help; default: this codec, Opus, denoisers.
evaluate_opts=         # Further options of decodec evaluate, e.g. "--limit 5 --conditions 0 10 clean".
versa=false            # Also score the decoded streams by VERSA, which is to be installed from its repository.
versa_opts=            # Further options of versa.bin.scorer, e.g. "--use_gpu true".
keep=2                 # Recordings per condition that are kept for the page.
conversion=true        # Convert recordings to other voices in stage 10.
conversion_opts=       # Further options of decodec recipe score_conversion, e.g. "--limit 10".

# Speech recognition
asr_speakers=          # Speakers or prefixes of names; default: festvox_ru (standard), asterisk_ru (mini), all (own).
asr_data_opts=         # Further options of decodec recipe asr_data, e.g. "--snrs clean 10 0 --seed 1".
asr_set=               # Name of the data; default: from asr_speakers and asr_data_opts.
discrete=              # Discrete ASR: semantic, content, or a number of speech levels; default: waveforms.
denoise=               # Denoiser for the test sets, as in decodec evaluate --systems: gtcrn, decodec:unquantized, ...
token_type=char        # Output tokens: char or bpe.
nbpe=100               # Size of the BPE vocabulary.
asr_config=            # Training config; default: fbank, discrete, mini or discrete_mini of conf/asr.
asr_args=              # Training options that override the config.
asr_tag=               # Name of the experiment; default: from config, data, tokens, codec and asr_args.
asr_exp=               # Folder of the experiment; default: <expdir>/asr_<tag>.
asr_stats_dir=         # Folder of the statistics; default: <expdir>/asr_stats_<data>_<tokens>.
asr_inference_config=conf/decode/decode_asr.yaml  # Decoding config.
asr_inference_args=    # Decoding options that override it, e.g. "--beam_size 1".
asr_inference_tag=     # Name of the results folder (decode_...); default: from config, arguments and denoiser.
inference_asr_model=valid.cer_ctc.ave.pth  # Checkpoint to decode with.

# Speech synthesis
tts_speakers=          # Speakers or prefixes of names; default: as asr_speakers.
tts_data_opts=         # Further options of decodec recipe tts_data, e.g. "--max_seconds 10".
prompt_snr=5           # SNR of the noisy test prompts in dB.
prompt_denoiser=       # Also denoise the noisy prompts with this system of decodec evaluate: gtcrn, dtln, ...
train_prompt_snrs="0 20"  # Lowest and highest SNR of the noisy training prompts in dB.
tts_config=            # Training config; default: conf/tts/train_tts.yaml, for mini train_tts_mini.yaml.
tts_args=              # Training options that override the config.
tts_tag=               # Name of the experiment; default: from config, data, codec and tts_args.
tts_exp=               # Folder of the experiment; default: <expdir>/tts_<tag>.
inference_tts_model=valid.loss.best.pth  # Checkpoint to export.
tts_voice_model=       # Voice model for all but the first level, such as voice-16k, with the codec that it was trained with.
tts_inference_args=    # Further options of synthesis, e.g. "--speed 0.9".
tts_inference_tag=     # Name of the results folder; default: from tts_inference_args.
language=ru            # ISO 639-1 code of the language for the recognizer that scores the speech.
tts_score_opts=        # Further options of decodec recipe tts_score, e.g. "--recognizer none --limit 5".

# Stages: number, kind, part, name
stages="
 1 data_prep codec  data preparation: local/data.sh
 2 data_prep codec  duration filter, validation of the data directories
 3 data_prep codec  validation and test mixtures with their stems
 4 train     codec  semantic teacher
 5 train     codec  codec training
 6 train     codec  codec export
 7 eval      codec  tokens of the test mixtures
 8 eval      codec  waveforms from the tokens
 9 eval      codec  evaluation of the codec, other codecs and denoisers
10 eval      codec  voice conversion
11 data_prep asr    ASR data: transcribed speech, clean and noisy test sets, tokens
12 data_prep asr    ASR token list
13 train     asr    ASR statistics
14 train     asr    ASR training
15 eval      asr    ASR decoding and error rates
16 data_prep tts    TTS data: transcribed speech, tokens, noisy prompts
17 train     tts    TTS statistics
18 train     tts    TTS training and export
19 eval      tts    TTS synthesis
20 eval      tts    TTS scores
21 eval      report page with tables, plots and audio
"
help_message="Usage: $0 [--option value] ...

Stages:
$(sed -nE 's/^( *[0-9]+) ([a-z_]+) +([a-z]+) +(.*)/    \1  \4 (\2)/p' <<< "${stages}")

A stage that is up to date is not repeated. --skip_data_prep, --skip_train, --skip_eval skip the stages of their kind.
$(sed -n '/^# General/,/^# Stages/p' "${BASH_SOURCE[0]##*/}" \
    | sed -nE -e '/^# Stages/d' -e 's/^# (.*)/\n\1:/p' -e 's/^([a-z_]+)=([^ ]*|"[^"]*") *# (.*)/    --\1 [\2] \3/p')"

arguments=("$@")
run_args=$(printf '%q ' "$@")
. utils/parse_options.sh
. utils/common.sh
. utils/train.sh
. utils/protocol.sh
. ./path.sh
. ./cmd.sh
. ./db.sh
[ $# -eq 0 ] || die "Unexpected argument '$1': all settings are options, see --help."
if [ -z "${DECODEC_SUPERVISED:-}" ]; then # a shell cannot act on a signal while it waits for a job
    DECODEC_SUPERVISED=true exec utils/supervise.py bash ./run.sh "${arguments[@]}"
fi
unset DECODEC_SUPERVISED
trap on_exit EXIT

if [ "${ngpu}" = auto ]; then
    ngpu=0
    if nvidia-smi --list-gpus 2> /dev/null | grep -q GPU; then ngpu=1; fi
fi
if [ -n "${protocol}" ]; then apply_protocol; fi
if [ -n "${speech}${background}${rirs}" ]; then
    size=${corpora_name:-$(corpora_tag "${speech}")-$(corpora_tag "${background}")${rirs:+-$(corpora_tag "${rirs}")}}
fi
per_condition=${per_condition:-20}
if [ -z "${train_config}" ]; then
    train_config=conf/codec/train_decodec.yaml
    if [ "${size}" = mini ]; then train_config=conf/codec/train_decodec_mini.yaml; fi
fi
data=${datadir}/${size}
dump=${dumpdir}/${size}
if [ -z "${tag}" ]; then
    tag=$(basename "${train_config}" .yaml)
    tag=${tag#train_}
    tag=${tag%"_${size}"}_${size}${train_args:+_$(as_tag "${train_args}")}
fi

pretrained=${MAIN_ROOT}/espnet2_decodec/pretrained
# The codec: <model> is its folder or "shipped", <codec_name> its name in those of experiments.
if [ -n "${download_model}" ]; then
    codec_exp=${codec_exp:-${expdir}/codec_$(basename "${download_model}")_${size}}
    model=${download_model}
    if [ ! -e "${model}" ] && [ -f "${pretrained}/${model}/config.json" ]; then model=${pretrained}/${model}; fi
else
    codec_exp=${codec_exp:-${expdir}/codec_${tag}}
    model=${codec_exp}/model
fi
model_opts=(--model "${model}")
model_folder=${model}
codec_name=$(as_tag "$(basename "$(dirname "${model}")")-$(basename "${model}")")
if [ "${model}" = shipped ]; then
    model_opts=()
    model_folder=${pretrained}/decodec-16k-semantic
    codec_name=shipped
fi
results=${codec_exp}/${inference_tag:-decode${inference_args:+_$(as_tag "${inference_args}")}}

. stages/data.sh
. stages/codec.sh
. stages/evaluation.sh
. stages/asr.sh
. stages/tts.sh
. stages/report.sh

log "$0 ${run_args}"
if [ -n "${download_model}" ]; then log "The codec is ${download_model}: stages 4 to 6 are skipped"; fi
data_stages
codec_stages
evaluation_stages
asr_stages
tts_stages
report_stage
log "Done. [elapsed ${SECONDS} s]"
