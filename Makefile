# Everything a developer does. `make` alone lists it; STACK=onedl takes the other stack.

STACK ?= openmmlab
BIN := $(if $(filter onedl,$(STACK)),.venv-onedl,.venv)/bin

# The first of these that runs and is new enough (a shim on the PATH may not run).
PYTHON ?= $(shell for python in python3.11 python3 python3.12 python3.13; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && \
	echo $$python && break; done)

.PHONY: help setup test test-all lint format site demo clean

help: ## List these targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

setup: ## Create .venv (STACK=onedl: .venv-onedl) with the whole stack, or find it whole
	@$(or $(PYTHON),$(error Python 3.11 or newer is needed)) bootstrap/setup_env.py $(STACK)

test: setup ## Run the tests (minutes)
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-all: setup ## Run the slow tests as well
	$(BIN)/python -m pytest -m 'slow or not slow'

lint: setup ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup ## Put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

site: setup ## Build the documentation into build/site
	$(BIN)/mkdocs build --strict --site-dir build/site

demo: setup ## Train a small detector with LossMix on generated images
	$(BIN)/python tools/demo.py

clean: ## Delete what tools left behind, but keep environments
	rm -rf build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +
