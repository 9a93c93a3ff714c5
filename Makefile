# Thin by intent: each target is a few plain commands, set-up included.
PYTHON ?= python3
VENV ?= .venv
DEMO ?= build/demo
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --no-compile -c constraints.txt
UV := $(BIN)/uv pip install --python $(BIN)/python -c constraints.txt
# kept, whatever the environment says: tests start processes, each of which would compile all it imports
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test test-all lint format bench docs images dist clean kernels

demo: $(VENV)/.maskomaly  ## drawn streets -> network -> scores -> tables and figures in build/demo
	rm -rf $(DEMO)
	$(BIN)/maskomaly demo --output $(DEMO)

test: $(VENV)/.core  ## tests and doctests but the slow ones, a twentieth of the random cases: minutes
	$(MAKE) --jobs=2 $(VENV)/.test kernels
	$(BIN)/python -m pytest -q -n auto --dist=loadfile -m "not slow"

test-all: $(VENV)/.dev kernels  ## everything: training, processes, builds, a browser, all random cases
	$(BIN)/python -m pytest -q -n auto --hypothesis-profile=large

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(VENV)/.dev  ## speed as ratios inside one run, a Markdown table
	$(BIN)/python -m tests.benchmarks
	$(BIN)/python -m tests.benchmarks.borders
	$(BIN)/python -m tests.benchmarks.goals

docs: $(VENV)/.docs  ## the manual and its gallery in build/docs; warnings are errors
	$(BIN)/python -m sphinx -W -E --keep-going -q -b html -d build/doctrees docs build/docs

images: $(VENV)/.maskomaly  ## the pictures in docs/images, by the commands of the pages that show them
	$(BIN)/python docs/draw_images.py

format: $(VENV)/.lint
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

dist: $(VENV)/.dev  ## a checked sdist and wheel in dist
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/twine check --strict dist/*

clean:
	rm -rf $(VENV) build dist *.egg-info

kernels: $(VENV)/.core  # compiled ahead, and in `make test` while the rest is installed
	$(BIN)/python -m mdmkit warmup --quiet

$(VENV)/.core: pyproject.toml setup.cfg constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) uv
	$(UV) -e ".[cli]"
	touch $@

# torch first and by itself, by pip, whose settings say which build: what needs it takes what is there
$(VENV)/.maskomaly: $(VENV)/.core
	$(PIP) torch
	$(UV) -e ".[maskomaly]"
	touch $@

# the import writes bytecode of what is large, while kernels are compiled
$(VENV)/.test: $(VENV)/.maskomaly
	$(UV) -e ".[test]"
	$(BIN)/python -c "import sklearn.mixture, transformers.models.mask2former.modeling_mask2former"
	touch $@

$(VENV)/.lint: $(VENV)/.maskomaly
	$(UV) -e ".[lint]"
	touch $@

$(VENV)/.dev: $(VENV)/.maskomaly
	$(UV) -e ".[dev]"
	touch $@

$(VENV)/.docs: $(VENV)/.maskomaly
	$(UV) -e ".[docs]"
	touch $@
