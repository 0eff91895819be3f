# Needs Python 3.11 or later, make and git. Everything is installed into .venv inside this folder.

PYTHON ?= python3
VENV ?= .venv
# How many times the random cases of `make test` are drawn in `make prove`.
PROOF ?= 30
# How long `make fuzz` goes on.
SECONDS ?= 1200
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet

.PHONY: help demo test prove fuzz lint format bench docs clean

help:
	@echo "make demo    install, then serve, crawl and question a few bundled pages"
	@echo "make test    install, then run the whole test suite on SQLite and on PostgreSQL"
	@echo "make prove   the proofs that draw random cases, with 30 times as many (PROOF=N times)"
	@echo "make fuzz    random hostile input for twenty minutes (SECONDS=N)"
	@echo "make lint    ruff and mypy --strict"
	@echo "make bench   every benchmark, one table (QUICK=1 for short runs)"
	@echo "make docs    write docs/cli.md from the program"
	@echo "LINKLEDGER_CORPUS=FOLDER lets test and bench score the reader against a corpus of pages too."

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or later is needed; name one: make PYTHON=python3.12 ...")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml | $(BIN)/python
	@echo "installing linkledger into $(VENV) ..."
	@$(PIP) install --editable .
	@$(BIN)/python -m compileall -q audit cli crawler storage
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	@echo "installing linkledger and its test tools into $(VENV) ..."
	@$(PIP) install --editable '.[dev]'
	@$(BIN)/python -m compileall -q audit cli crawler storage
	@touch $@ $(VENV)/.run

$(VENV)/.bench: $(VENV)/.dev
	@$(PIP) install --editable '.[bench]'
	@touch $@

demo: $(VENV)/.run
	@$(BIN)/linkledger demo

test: $(VENV)/.dev
	@if [ -n "$$LINKLEDGER_CORPUS" ]; then $(BIN)/python -m benchmarks corpus; \
	else echo "not run: scoring against a corpus of pages (LINKLEDGER_CORPUS=FOLDER names none)"; fi
	@echo "not run: the long form of the proofs that draw random cases (make prove)"
	@$(BIN)/python -m crawler.chromium || echo "not run: pages in a real browser (no Chromium on the PATH)"
	$(BIN)/python -m pytest

prove: $(VENV)/.dev
	LINKLEDGER_PROOF=$(PROOF) $(BIN)/python -m pytest -m proof

fuzz: $(VENV)/.dev
	LINKLEDGER_FUZZ_SECONDS=$(SECONDS) $(BIN)/python tests/fuzz_long.py

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks $(if $(QUICK),--quick)

docs: $(VENV)/.dev
	$(BIN)/python -m cli.reference > docs/cli.md.new
	mv docs/cli.md.new docs/cli.md

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
