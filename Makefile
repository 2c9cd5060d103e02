# make demo   page of the model in the package, then the recipe on a corpus of minutes: data, training, evaluation, speech
#             recognition and synthesis; its results join the page. TRAIN_THREADS=1 where other programs use the cores
# make model  trains the semantic model of the package from its data: hours; see research/model.sh --help
# make test   all tests
# make fuzz   damaged files through the readers and the command, for MINUTES=10, with random seed SEED=0
# make compat tests of what depends on the release of ESPnet, which follows from the version of Python
# make lint   ruff, mypy, import-linter and shellcheck
# make docs   the documentation as a site, in site/
# make install, make constraints (newest versions of all packages), make clean
#
# PYTHON=python3.12 selects the interpreter (3.10 to 3.13), with an environment of its own in .venv-python3.12;
# VENV=dir another folder for it.

SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv$(addprefix -,$(filter-out python3,$(notdir $(PYTHON))))
OMP_NUM_THREADS ?= 1
MINUTES ?= 10
SEED ?= 0
MODEL_OPTS ?=
TRAIN_THREADS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN); echo $$((n > 2 ? 2 : n)))
export OMP_NUM_THREADS

BIN := $(VENV)/bin
RECIPE := egs2/decodec
RESULTS := $(RECIPE)/exp/codec_decodec_mini/decode/test
SCRIPTS := $(wildcard $(RECIPE)/*.sh $(RECIPE)/stages/*.sh $(RECIPE)/utils/*.sh local/*.sh research/*.sh .ci/*)

.PHONY: install demo model test fuzz compat lint docs constraints clean

install: $(VENV)/.installed

# pip keeps the version that comes with the interpreter: pip 26 refuses the metadata of a dependency of ESPnet 202511.
# Without constraints it tries versions for half an hour with Python 3.12.
$(VENV)/.installed: setup.py pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14) and "Python 3.10 to 3.13 is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	@echo "Installing PyTorch and ESPnet into $(VENV): about 5 GB, 2 minutes or more"
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[recipe,test,lint]'
	@touch $@

# The page of the model in the package comes first; the results of the recipe are added to it.
demo: install
	$(BIN)/decodec demo demo --force
	cd $(RECIPE) && VIRTUAL_ENV="$(abspath $(VENV))" PATH="$(abspath $(BIN)):$$PATH" ./run.sh --size mini --per_condition 8 \
		--train_threads $(TRAIN_THREADS) --evaluate_opts "--limit 3"
	$(BIN)/decodec demo demo --force --results $(RESULTS)/evaluation \
		--examples $(RESULTS)/conversion/examples $(RECIPE)/exp/tts_mini_*/synthesis/examples \
		--documents $(RECIPE)/exp/asr_mini_*/RESULTS.md $(RECIPE)/exp/tts_mini_*/synthesis/RESULTS.md

model: install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[evaluate,probe]'
	PYTHON=$(BIN)/python research/model.sh $(MODEL_OPTS)

test: install
	$(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist loadfile

fuzz: install
	DECODEC_FUZZ_MINUTES=$(MINUTES) DECODEC_FUZZ_SEED=$(SEED) $(BIN)/python -m pytest -q tests/fuzz

compat: install
	$(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist loadfile -m compat tests/espnet tests/recipe

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/shellcheck -x -P $(RECIPE) $(SCRIPTS)

docs: install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check '.[docs]'
	$(BIN)/mkdocs build --strict

# Each build of torch chooses its own CUDA and triton.
constraints:
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.10 --no-annotate --no-header \
		--extra recipe --extra test --extra lint setup.py --output-file constraints.txt
	sed -i -E '/^(cuda|nvidia|triton)/d' constraints.txt

clean:
	rm -rf $(RECIPE)/exp $(RECIPE)/dump demo build site ./*.egg-info
