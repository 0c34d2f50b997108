# Everything a developer does. `make` alone lists it.

BIN := .venv/bin

.PHONY: help setup test test-all lint format demo clean

help: ## List these targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

setup: ## Create .venv with the whole stack, or repair it
	@python3 bootstrap/setup_env.py

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

demo: setup ## Train a small detector with LossMix on generated images
	$(BIN)/python tools/demo.py

clean: ## Delete what tools left behind, but keep .venv and compiled wheels
	rm -rf build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +
