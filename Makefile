# Onyx: `make run` starts it, `make test` tests it. Only Python 3.11 or newer and make are needed.
SHELL := /bin/sh
PYTHON ?= python3
PORT ?=
ONYX_VAR ?=
WEB_PROCESSES ?=
TESTS ?=
SETUP = $(PYTHON) onyx/embedded/setup.py
VENV_PYTHON = .venv/bin/python
export PORT ONYX_VAR WEB_PROCESSES

.DEFAULT_GOAL := help
.PHONY: help run test sure bench services stop setup clean requirements

help: ## this list
	@grep -E '^[a-z]+:.*## ' Makefile | sed 's/:.*## /\t/' | while IFS="	" read -r name text; do printf '  make %-13s %s\n' "$$name" "$$text"; done
	@echo "  Settings: PORT=8000 ONYX_VAR=var WEB_PROCESSES=1 DATABASE_URL= REDIS_URL= (see CONTRIBUTING.md)"

run: ## set up what is missing and start Onyx; Ctrl-C stops it
	@$(SETUP) run
	@exec $(VENV_PYTHON) -m onyx.embedded run

test: ## the whole suite, from nothing (TESTS="path -k words" for a part)
	@$(SETUP) test
	@$(VENV_PYTHON) -m pytest -c config/pytest.ini --rootdir . -n 2 --dist loadfile $(TESTS)

sure: ## format, lint, types, imports, then all tests
	@$(SETUP) test
	$(VENV_PYTHON) -m ruff format --config config/ruff.toml --check .
	$(VENV_PYTHON) -m ruff check --config config/ruff.toml .
	$(VENV_PYTHON) -m mypy --config-file config/mypy.ini
	$(VENV_PYTHON) -c "from importlinter.cli import lint_imports_command; lint_imports_command()" --config config/importlinter.toml
	@$(MAKE) --no-print-directory test

bench: ## the tables of docs/performance.md
	@$(SETUP) test
	@$(VENV_PYTHON) -m bench

services: ## only PostgreSQL and Redis, in the background
	@$(SETUP) services
	@$(VENV_PYTHON) -m onyx.embedded start

stop: ## stop Onyx and its servers
	@if [ -x $(VENV_PYTHON) ]; then $(VENV_PYTHON) -m onyx.embedded stop; fi

setup: ## install everything, start nothing
	@$(SETUP) test

clean: stop ## remove what set-up installed; data in var/ stays
	rm -rf .venv node_modules static/vendor

requirements: ## compile config/*.in into pinned files (needs uv)
	@$(PYTHON) config/compile_requirements.py
