# make demo   everything on a fresh clone: environment, data of a few minutes, training of codec, recognizer and synthesizer, scores,
#             page to listen to
# make test   environment, and all tests
# make lint   shellcheck and ruff
# make install, make clean
#
# PYTHON=python3.11 chooses the interpreter (3.10 or later), VENV=dir where the environment goes.

SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
OMP_NUM_THREADS ?= 1
export OMP_NUM_THREADS

RECIPE := egs2/decodec
MINI := --size mini --per_condition 8 --compare_opts "--limit 3"
SCRIPTS := $(wildcard $(RECIPE)/*.sh $(RECIPE)/utils/*.sh local/*.sh .ci/*)

.PHONY: install demo test lint clean

install: $(VENV)/.installed

# pip stays the one that comes with the interpreter: pip 26 refuses the metadata of one of ESPnet's dependencies.
$(VENV)/.installed: setup.py pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or later is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	@echo "Installing PyTorch and ESPnet into $(VENV): about 5 GB, 2 minutes or more"
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[recipe,test]'
	@touch $@

demo: install
	cd $(RECIPE) && ./run.sh $(MINI) --stop_stage 9
	cd $(RECIPE) && ./run.sh --stage 12 --size mini --codec exp/codec_decodec_mini/model
	cd $(RECIPE) && ./run.sh --stage 17 --size mini --codec exp/codec_decodec_mini/model
	cd $(RECIPE) && ./run.sh $(MINI) --stage 10

test: install
	$(VENV)/bin/python -m pytest -q

$(VENV)/.lint: install
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check '.[lint]'
	@touch $@

lint: $(VENV)/.lint
	@if command -v shellcheck > /dev/null; then shellcheck -x -P $(RECIPE) $(SCRIPTS); else echo "shellcheck is not installed: scripts were not checked"; fi
	$(VENV)/bin/ruff check .

clean:
	rm -rf $(RECIPE)/exp $(RECIPE)/dump build ./*.egg-info
