#!/usr/bin/env bash
# Download and unpack corpora: local/download.sh CORPUS ... --to DIR; see --help.
set -e -u -o pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
export PYTHONPATH="${here%/*}${PYTHONPATH:+:${PYTHONPATH}}"
exec "${PYTHON:-python3}" -m local.download "$@"
