# The commands of this checkout. Each creates what it needs; `make` alone lists them.
#
#   make test ARGS="tests/unit -x"     hands ARGS on to pytest; likewise for demo and bench

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup demo test check format bench bench-readme bench-peers compare integrations clean audit

# The first Python that is new enough. Name another one: make test PYTHON=/path/to/python
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)

BIN := .venv/bin
READY := .venv/.ready
PEER := trackio==0.43.0
PEER_READY := .venv-peer/.ready
TOOLS := tests/integrations/requirements.txt
TOOLS_READY := .venv-tools/.ready
AUDIT_READY := .venv-audit/.ready
TRAINERS := tests/integrations/requirements-trainers.txt
TRAINERS_READY := .venv-trainers/.ready
KERNEL := tests/torture/requirements.txt
KERNEL_READY := .venv-kernel/.ready

help:
	@echo 'make demo    train a small model in several runs, kill one, recover it, show the dashboard'
	@echo 'make test    every test; ARGS="-k sentence" hands arguments to pytest'
	@echo 'make check   format, lint, types, layers'
	@echo 'make bench   measure Trackio and the released $(PEER) side by side'
	@echo 'make bench-peers  measure every tracker that installs; writes docs/benchmarks.md'
	@echo 'make compare  what this checkout costs against the commit before, as ratios; BASE=another'
	@echo 'make integrations  real libraries: import what wandb, TensorBoard and MLflow write; train with transformers'
	@echo 'make torture  kill, fill, stall and corrupt it for an hour; ARGS="--only kills" does a part'
	@echo 'make audit   ask an index of known holes about everything that is installed'
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

# Every other tracker, each in an environment of its own; 20 minutes a round.
bench-peers: $(READY)
	@$(BIN)/python -m benchmarks.peers --write $(ARGS)

# A minute, in CI too: only a gross loss of speed fails there.
BASE ?= HEAD~1
compare: $(READY)
	@$(BIN)/python -m benchmarks.compare $(BASE) $(ARGS)

# Heavy, and so not part of `make test`: the real tools, in an environment of their own.
integrations: $(READY) $(TOOLS_READY) $(TRAINERS_READY)
	@TRACKIO_TEST_TOOLS=$(CURDIR)/.venv-tools/bin/python TRACKIO_TEST_TRAINERS=$(CURDIR)/.venv-trainers/bin/python \
	$(BIN)/python -m pytest tests/integrations $(ARGS)

# Heavy, and so not part of `make test`; what needs root says so where there is none.
torture: $(READY) $(KERNEL_READY)
	@TRACKIO_TORTURE_KERNEL=$(CURDIR)/.venv-kernel/bin/python $(BIN)/python -m tests.torture $(ARGS)

# In an environment of its own, so that what audits is not among what is audited.
audit: $(READY) $(AUDIT_READY)
	@$(BIN)/python -m pip freeze --exclude-editable > .venv-audit/installed.txt
	@.venv-audit/bin/pip-audit --requirement .venv-audit/installed.txt --no-deps --disable-pip --strict $(ARGS)

clean:
	rm -rf .venv .venv-audit .venv-peer .venv-peers .venv-tools .venv-trainers .venv-kernel .bench .demo build dist *.egg-info
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

$(TOOLS_READY): $(TOOLS)
	$(call make_venv,.venv-tools)
	@echo 'Installing the tools of $(TOOLS) into .venv-tools'
	@.venv-tools/bin/python -m pip install --quiet --disable-pip-version-check --requirement $(TOOLS)
	@touch $@

$(TRAINERS_READY): $(TRAINERS) pyproject.toml
	$(call make_venv,.venv-trainers)
	@echo 'Installing the libraries of $(TRAINERS) into .venv-trainers'
	@.venv-trainers/bin/python -m pip install --quiet --disable-pip-version-check --requirement $(TRAINERS) --editable .
	@touch $@

$(KERNEL_READY): $(KERNEL) pyproject.toml
	$(call make_venv,.venv-kernel)
	@echo 'Installing the notebook kernel of $(KERNEL) into .venv-kernel'
	@.venv-kernel/bin/python -m pip install --quiet --disable-pip-version-check --requirement $(KERNEL) --editable .
	@touch $@

$(AUDIT_READY): Makefile
	$(call make_venv,.venv-audit)
	@echo 'Installing pip-audit into .venv-audit'
	@.venv-audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit
	@touch $@
