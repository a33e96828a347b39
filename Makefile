# `make fix` shows locum at work on a small broken library; `make test` runs every check.
SHELL := /bin/sh
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; \
	done || echo python3)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup models fix bench bench-verification bench-ablation bench-real bench-real-trees bench-context bench-runtime bench-safety bench-start docs pictures test test-attacks soak check format lock clean

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

# Candidates a second on small functions; 1 when fewer than wanted. Nothing else should run beside.
bench-verification: setup
	@$(BIN)/python -m benchmarks.verification --json build/verification.json

# The same set with parts of the search left out; interrupted, the same command goes on.
bench-ablation: models
	@$(BIN)/python -m benchmarks.ablation --out benchmarks/results/ablation $(if $(SETTINGS),--settings "$(SETTINGS)") -- \
		$(or $(ARGS),--repos benchmarks/repos --budget 3m)

# What each part of the question to the model is worth, in nats of the right fix.
bench-context: models
	@$(BIN)/python -m benchmarks.context $(or $(TASKS),benchmarks/repos) --json build/context.json

# The runtime beside two other servers on the same model; takes an hour or so. Nothing else should
# run beside it. One row: ARGS="--only decode --runs 3".
bench-runtime: models
	@$(BIN)/python -m benchmarks.runtime --json build/runtime.json $(ARGS)

# The documentation as a site, in build/site; its reference is made from the code.
docs: setup
	@PYTHONPATH=. NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# The pictures in the documentation, from a recorded run; the tests hold the screens against them.
pictures: setup
	@LOCUM_WRITE_PICTURES=1 $(BIN)/pytest -q tests/tui/test_pictures.py

# Bugs of public libraries: FACTS is the list of them, CLONES holds git clones, TREES is made.
bench-real-trees: setup
	@test -n "$(FACTS)" -a -n "$(CLONES)" -a -n "$(TREES)" || { \
		echo "bench-real-trees: give FACTS=file.json CLONES=folder TREES=folder."; exit 2; }
	@$(BIN)/python -m benchmarks.real_bugs --facts "$(FACTS)" --clones "$(CLONES)" --out "$(TREES)"

bench-real: models
	@test -n "$(TREES)" || { echo "bench-real: give TREES=folder, made by bench-real-trees."; exit 2; }
	@$(BIN)/agent bench --repos "$(TREES)" --budget 3m --out benchmarks/results/real --keep-records --resume

test: check models
	@$(BIN)/agent model pull smollm2-135m >/dev/null
	@$(BIN)/pytest --numprocesses auto --dist worksteal -m "not alone"
	@$(BIN)/pytest -m alone

# What a decision, the sandbox and the record cost; 1 when more than they may.
bench-safety: setup
	@$(BIN)/python -m benchmarks.safety --json build/safety.json

# How long `agent --help` and the first frame of `agent ui` take; 1 when longer than they may.
bench-start: setup
	@$(BIN)/python -m benchmarks.start --json build/start.json

# The same tests of hostile input, at length: a minute of races, a million mutated tool calls,
# a hundred thousand texts with and without calls in them, 200 kills, and every poisoned repository
# against the real model. Some hours on two cores.
test-attacks: models
	@LOCUM_LONG_TESTS=1 $(BIN)/pytest tests/attacks tests/runtime/test_toolcalls_fuzz.py

# 2,000 requests from 32 clients that hang up at random, within the engine and over HTTP: right
# answers, no leak, nothing stuck. About three quarters of an hour on two quiet cores.
soak: setup
	@LOCUM_LONG_TESTS=1 OMP_WAIT_POLICY=passive $(BIN)/pytest -o faulthandler_timeout=0 tests/runtime/test_soak.py \
		tests/runtime/test_soak_server.py

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
