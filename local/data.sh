#!/usr/bin/env bash
# Prepare a corpus: local/data.sh --size mini|standard|own --data DIR [--downloads DIR]
# [--speech_dir DIR --background_dir DIR]; see --help.
set -e -u -o pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
export PYTHONPATH="${here%/*}${PYTHONPATH:+:${PYTHONPATH}}"
exec "${PYTHON:-python3}" -m local.prepare "$@"
