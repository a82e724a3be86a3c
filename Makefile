# The commands of this checkout. Each creates what it needs; `make` alone lists them.
#
#   make test ARGS="tests/unit -x"     hands ARGS on to pytest; likewise for demo and bench

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup demo test check format bench bench-readme clean

# The first Python that is new enough. Name another one: make test PYTHON=/path/to/python
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)

BIN := .venv/bin
READY := .venv/.ready
PEER := trackio==0.43.0
PEER_READY := .venv-peer/.ready

help:
	@echo 'make demo    train a small model in several runs, kill one, recover it, show the dashboard'
	@echo 'make test    every test; ARGS="-k sentence" hands arguments to pytest'
	@echo 'make check   format, lint, types, layers'
	@echo 'make bench   measure Trackio and the released $(PEER) side by side'
	@echo 'make format  rewrite the code as `make check` wants it'
	@echo 'make clean   remove everything that these commands made'

setup: $(READY)

demo: $(READY)
	@$(BIN)/python examples/digits/demo.py $(ARGS)

test: $(READY)
	@$(BIN)/python -m tests.browser_setup
	@$(BIN)/python -m pytest $(ARGS)

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY) $(PEER_READY)
	@$(BIN)/python -m benchmarks --peer-python .venv-peer/bin/python $(ARGS)

# Puts the table of the last `make bench` into README.md.
bench-readme: $(READY)
	@$(BIN)/python -m benchmarks.readme

clean:
	rm -rf .venv .venv-peer .bench .demo build dist *.egg-info
	rm -rf .mypy_cache .ruff_cache .import_linter_cache .hypothesis .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A virtual environment with pip; some systems ship venv without it.
define make_venv
	@test -n '$(PYTHON)' || { echo 'Trackio needs Python 3.11 or newer: name one with PYTHON=/path/to/python'; exit 1; }
	@$(1)/bin/python -m pip --version >/dev/null 2>&1 \
	|| $(PYTHON) -m venv --clear $(1) \
	|| { $(PYTHON) -m venv --clear --without-pip $(1) && $(PYTHON) -m pip --python $(1) install --quiet pip; } \
	|| { echo 'Python cannot make a virtual environment: install its venv module (python3-venv)'; exit 1; }
endef

$(READY): pyproject.toml
	$(call make_venv,.venv)
	@echo 'Installing what Trackio and its tests need into .venv'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

$(PEER_READY): Makefile
	$(call make_venv,.venv-peer)
	@echo 'Installing the released $(PEER) into .venv-peer'
	@.venv-peer/bin/python -m pip install --quiet --disable-pip-version-check '$(PEER)'
	@touch $@
