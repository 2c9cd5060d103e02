# shellcheck shell=bash
# To be sourced from egs2/decodec: the environment of all programs.

MAIN_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export MAIN_ROOT

# A checkout of ESPnet is not required; if ESPNET_ROOT is set, it is used in place of the installed package.
export PYTHONPATH="${MAIN_ROOT}${ESPNET_ROOT:+:${ESPNET_ROOT}}${PYTHONPATH:+:${PYTHONPATH}}"

# The environment of `make install`, unless another one is active.
if [ -z "${VIRTUAL_ENV:-}" ] && [ -x "${MAIN_ROOT}/.venv/bin/python" ]; then
    export PATH="${MAIN_ROOT}/.venv/bin:${PATH}"
fi

# Small models are several times slower with more threads on shared cores.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
export PYTHONUNBUFFERED=1
export PYTHONIOENCODING=UTF-8
export LC_ALL=C
