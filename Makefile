# Thin by intent: each target is a few plain commands, set-up included.
PYTHON ?= python3
VENV ?= .venv
DEMO ?= build/demo
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test lint format bench docs dist clean

demo: $(VENV)/.maskomaly  ## drawn streets -> network -> scores -> tables and figures in build/demo
	rm -rf $(DEMO)
	$(BIN)/maskomaly demo --output $(DEMO)

test: $(VENV)/.dev  ## all tests and doctests
	$(BIN)/mdmkit warmup --quiet
	$(BIN)/python -m pytest -q -n auto

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.dev  ## speed as ratios inside one run, a Markdown table
	$(BIN)/python -m tests.benchmarks

docs: $(VENV)/.docs  ## the manual and its gallery in build/docs; warnings are errors
	$(BIN)/python -m sphinx -W -E --keep-going -q -b html -d build/doctrees docs build/docs

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

dist: $(VENV)/.dev  ## a checked sdist and wheel in dist
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/twine check --strict dist/*

clean:
	rm -rf $(VENV) build dist *.egg-info

$(VENV)/.core: pyproject.toml setup.cfg constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) -e .
	touch $@

# torch first and by itself: its constraint then decides the build
$(VENV)/.maskomaly: $(VENV)/.core
	$(PIP) torch
	$(PIP) -e ".[maskomaly]"
	touch $@

$(VENV)/.dev: $(VENV)/.maskomaly
	$(PIP) -e ".[dev]"
	touch $@

$(VENV)/.docs: $(VENV)/.maskomaly
	$(PIP) -e ".[docs]"
	touch $@
