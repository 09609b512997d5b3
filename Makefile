# One command each: setup, demo, test, soak, check, bench. Every target prepares what it needs.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup demo test soak check bench lock format clean

setup: .venv/.ready

.venv/.ready: requirements/dev.lock pyproject.toml packaging/setup.sh
	PYTHON=$(PYTHON) packaging/setup.sh

demo: setup
	packaging/setup.sh peers
	$(BIN)/python -m cad.sim.demo --output demo-output

test: setup
	packaging/setup.sh peers
	$(BIN)/python -m pytest

# The same end-to-end tests with many rounds; SEED=n for other random calls and kills.
soak: setup
	packaging/setup.sh peers
	SOAK=1 $(BIN)/python -m pytest --log-cli-level=INFO tests/e2e/test_persistence.py tests/e2e/test_isolation.py tests/e2e/test_demo.py

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.features --check

bench: setup
	packaging/setup.sh peers
	$(BIN)/python -m benchmarks $(if $(GT),--ground-truth $(GT))

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock:
	$(BIN)/pip install -q uv
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements/run.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra dev -c requirements/run.lock pyproject.toml -o requirements/dev.lock

clean:
	rm -rf .venv demo-output .mypy_cache .ruff_cache .pytest_cache .hypothesis
