# shellcheck shell=bash
# To be sourced from egs2/decodec: where programs are found.

MAIN_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export MAIN_ROOT

# An ESPnet checkout is not needed, the package is; with ESPNET_ROOT set, that checkout is used in the package's place.
export PYTHONPATH="${MAIN_ROOT}${ESPNET_ROOT:+:${ESPNET_ROOT}}${PYTHONPATH:+:${PYTHONPATH}}"

# The environment that `make install` makes, unless another one is active.
if [ -z "${VIRTUAL_ENV:-}" ] && [ -x "${MAIN_ROOT}/.venv/bin/python" ]; then
    export PATH="${MAIN_ROOT}/.venv/bin:${PATH}"
fi

# More threads than this make small models many times slower on shared cores.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
export PYTHONUNBUFFERED=1
export PYTHONIOENCODING=UTF-8
export LC_ALL=C
