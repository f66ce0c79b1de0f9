# Bare `make` lists the targets. Everything is made in this folder: .venv and .data.

.DEFAULT_GOAL := help
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory

# The first Python on PATH that is new enough; `make PYTHON=/path/to/python3.11` names another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && exit; \
	done; echo python3)
BIN := .venv/bin
# What the demo understands: ONCE=1 ends by itself, FRAMES=folder drives the gates with real frames.
DEMO_OPTIONS = $(if $(ONCE),--once) $(if $(FRAMES),--frames "$(FRAMES)")
# Checks run side by side; where make can, the output of each is shown in one piece.
TOGETHER := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)
# Tests in parallel, one process a core; `make tests JOBS=0` runs them in one.
JOBS ?= auto

.PHONY: help
help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

.PHONY: setup
setup:  ## make or repair .venv (quick when nothing changed; FOR=server or FOR=edge for one side)
	@command -v $(PYTHON) >/dev/null || { echo "setup: no Python found; install 3.11 or later" >&2; exit 1; }
	@$(PYTHON) tools/setup_venv.py $(FOR)

.PHONY: demo
demo: setup  ## run the whole journey of some cars (ONCE=1 ends by itself; FRAMES=folder of yours)
	@$(BIN)/parking demo $(DEMO_OPTIONS)

.PHONY: serve
serve: setup  ## serve the API and the pages
	@$(BIN)/parking serve

.PHONY: work
work: setup  ## run the worker: obligations, payments, ledger, sweeps
	@$(BIN)/parking work

.PHONY: test
test: setup  ## all checks and all tests: what CI runs
	@$(MAKE) check
	@$(MAKE) tests

.PHONY: check
check: setup  ## style, import directions and types, without the tests
	@$(MAKE) -j2 $(TOGETHER) lint mypy basedpyright

.PHONY: lint
lint: setup  ## style and import directions
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/codespell
	@$(BIN)/lint-imports --no-cache

.PHONY: types mypy basedpyright
types: mypy basedpyright  ## types: mypy everywhere, basedpyright on the cores
mypy: setup
	@$(BIN)/mypy
basedpyright: setup
	@$(BIN)/basedpyright

.PHONY: tests
tests: setup  ## the tests alone (ARGS="-k word" for some of them)
	@$(BIN)/pytest -q -n $(JOBS) --dist loadgroup $(ARGS)

.PHONY: simulate
simulate: setup  ## months of billing with every fault, the server killed at every step (SEEDS=20 DAYS=30 DRIVERS=4)
	@SIMULATION_SEEDS=$(or $(SEEDS),20) SIMULATION_DAYS=$(or $(DAYS),30) \
		SIMULATION_DRIVERS=$(or $(DRIVERS),4) SERVE_KILLED=all $(BIN)/pytest -q -n $(JOBS) \
		tests/simulation/test_billing_month.py tests/simulation/test_settlement_machine.py \
		tests/portal/test_serve_killed.py

.PHONY: coverage
coverage: setup  ## the tests, with what they did not reach
	@$(BIN)/coverage run -m pytest -q $(ARGS)
	@$(BIN)/coverage combine -q
	@$(BIN)/coverage report

.PHONY: fix
fix: setup  ## format, and mend what the linter can mend
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

.PHONY: docs
docs: setup  ## write the generated pages of docs/ anew
	@$(BIN)/python tools/document_settings.py

.PHONY: bench
bench: setup  ## measure: each figure with the limit taken in the same run
	@for bench in bench/core_speed.py bench/stays.py bench/ingest.py bench/gateway.py bench/ledger.py bench/settlement.py; do $(BIN)/python $$bench || exit 1; done

.PHONY: lock
lock: setup  ## write requirements/*.lock anew from pyproject.toml (ARGS=--upgrade for newer ones)
	@$(BIN)/python tools/lock.py $(ARGS)

.PHONY: stop
stop:  ## stop the embedded PostgreSQL
	@test ! -x $(BIN)/parking || $(BIN)/parking db stop

.PHONY: clean
clean: stop  ## remove .venv, .data and every cache: all that this project made
	@rm -rf .venv .data build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
