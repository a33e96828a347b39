# `make fix` shows locum at work on a small broken library; `make test` runs every check.
SHELL := /bin/sh
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; \
	done || echo python3)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup models fix bench test check format lock clean

setup:
	@command -v $(PYTHON) >/dev/null || { \
		echo "setup: Python 3.11 or newer is needed (apt install python3 python3-venv, dnf install python3, brew install python)."; \
		exit 2; }
	@$(PYTHON) scripts/setup.py

# Fetched here and not in passing, for the progress bar; what is there already is not fetched again.
models: setup
	@$(BIN)/agent model pull >/dev/null

fix: models
	@copy=$$(mktemp -d) && cp -R sandbox_repo "$$copy/bank" && $(BIN)/agent fix "$$copy/bank" --yes

# Every second of the repositories; all of them: `agent bench --repos benchmarks/repos --budget 3m`.
bench: models
	@$(BIN)/agent bench --repos benchmarks/repos --every 2 --limit 6 --budget 3m

test: check models
	@$(BIN)/agent model pull smollm2-135m >/dev/null
	@$(BIN)/pytest

check: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: setup
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock:
	@PYTHON=$(PYTHON) scripts/lock.sh

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
