# make demo   page of the model in the package, then the recipe on a corpus of minutes: data, training, evaluation, speech
#             recognition and synthesis; its results join the page
# make test   all tests
# make fuzz   damaged files through the readers and the command, for MINUTES=10, with random seed SEED=0
# make lint   ruff, mypy, import-linter and shellcheck
# make docs   the documentation as a site, in site/
# make install, make clean
#
# PYTHON=python3.11 selects the interpreter (3.10 or later), VENV=dir the folder of the environment.

SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
OMP_NUM_THREADS ?= 1
MINUTES ?= 10
SEED ?= 0
export OMP_NUM_THREADS

BIN := $(VENV)/bin
RECIPE := egs2/decodec
RESULTS := $(RECIPE)/exp/codec_decodec_mini/decode/test
SCRIPTS := $(wildcard $(RECIPE)/*.sh $(RECIPE)/stages/*.sh $(RECIPE)/utils/*.sh local/*.sh .ci/*)

.PHONY: install demo test fuzz lint docs clean

install: $(VENV)/.installed

# pip keeps the version that comes with the interpreter: pip 26 refuses the metadata of one of ESPnet's dependencies.
$(VENV)/.installed: setup.py pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or later is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	@echo "Installing PyTorch and ESPnet into $(VENV): about 5 GB, 2 minutes or more"
	$(BIN)/python -m pip install --disable-pip-version-check -e '.[recipe,test,lint]'
	@touch $@

# The page of the model in the package comes first; the results of the recipe are added to it.
demo: install
	$(BIN)/decodec demo demo --force
	cd $(RECIPE) && ./run.sh --size mini --per_condition 8 --evaluate_opts "--limit 3"
	$(BIN)/decodec demo demo --force --results $(RESULTS)/evaluation \
		--examples $(RESULTS)/conversion/examples $(RECIPE)/exp/tts_mini_*/synthesis/examples \
		--documents $(RECIPE)/exp/asr_mini_*/RESULTS.md $(RECIPE)/exp/tts_mini_*/synthesis/RESULTS.md

test: install
	$(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist loadfile

fuzz: install
	DECODEC_FUZZ_MINUTES=$(MINUTES) DECODEC_FUZZ_SEED=$(SEED) $(BIN)/python -m pytest -q tests/fuzz

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/shellcheck -x -P $(RECIPE) $(SCRIPTS)

docs: install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check '.[docs]'
	$(BIN)/mkdocs build --strict

clean:
	rm -rf $(RECIPE)/exp $(RECIPE)/dump demo build site ./*.egg-info
