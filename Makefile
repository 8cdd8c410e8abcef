# `make` lists the targets. Everything goes into .venv of this clone; a second run is quick.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.ONESHELL:

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell scripts/find-python)
INSTALLED := $(VENV)/.installed
JARS := $(VENV)/.jars
SOURCES := dbt tests scripts benchmarks setup.py
PYTEST := $(BIN)/python -m pytest

.PHONY: help setup demo test test-fast bench lint docs formats faults constraints clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(JARS) ## make .venv, install everything at the versions of constraints.txt, fetch the jars

demo: $(JARS) ## build examples/jaffle_shop twice on a local Glue, with docs, and show what came out
	@$(BIN)/python scripts/demo.py

test: lint $(JARS) ## lint, then every test (about 50 minutes on two cores)
	@scripts/run-tests $(PYTEST_ARGS)

test-fast: $(JARS) ## the tests that take seconds (within 2 minutes)
	@$(PYTEST) -m "not slow" -n 2 --dist loadfile $(PYTEST_ARGS)

bench: $(JARS) ## race against dbt-glue 1.12.4 (an hour; goes on where it stopped): docs/benchmarks.md
	@$(BIN)/python -m benchmarks.race $(BENCH_ARGS)

lint: $(INSTALLED) ## ruff check, ruff format --check, mypy
	@$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy dbt/adapters/glue scripts benchmarks

docs: $(INSTALLED) ## write docs/configuration.md and docs/errors.md anew from the code
	@$(BIN)/python -m dbt.adapters.glue.config_docs
	$(BIN)/python -m dbt.adapters.glue.errors_docs

formats: $(JARS) ## run every format with every feature and write docs/formats.md from what it shows
	@DBT_GLUE_MATRIX_JSON=$(CURDIR)/$(VENV)/matrix.json $(PYTEST) tests/functional/test_matrix.py -k test_cell
	PYTHONPATH=tests $(BIN)/python -m functional.matrix.page $(VENV)/matrix.json

faults: $(JARS) ## every operation and phase with every fault (goes on where it stopped): docs/reliability.md
	@DBT_GLUE_FAULTS_JSON=$(CURDIR)/$(VENV)/faults $(PYTEST) tests/functional/test_fault_matrix.py tests/functional/test_fault_phases.py -k test_cell
	PYTHONPATH=tests $(BIN)/python -m functional.faults.page $(VENV)/faults.operations.jsonl $(VENV)/faults.phases.jsonl

constraints: ## write constraints.txt anew from what .[dev] resolves to today
	@scripts/write-constraints "$(PYTHON)"

clean: ## remove .venv, build output, caches and the demo's tables
	@if [ -x $(BIN)/dbt-glue ]; then $(BIN)/dbt-glue local stop --dir examples/jaffle_shop/.dbt-glue || true; fi
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -rf examples/*/target examples/*/logs examples/*/.dbt-glue logs
	find dbt tests scripts benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): setup.py pyproject.toml constraints.txt
	@scripts/check-java
	echo "Setting up $(VENV) with $$($(PYTHON) --version): a minute or two the first time"
	[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

$(JARS): $(INSTALLED)
	@$(BIN)/python -c 'from dbt.adapters.glue.local.launcher import prepare; prepare()'
	touch $@
