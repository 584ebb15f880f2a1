# `make` or `make help` lists what there is. Everything is installed into .venv, nothing outside.
PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export DVC_NO_ANALYTICS := 1

.DEFAULT_GOAL := help
.PHONY: help repro test slow browser lint ui clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

repro: .venv/base dvc-ready ## the main job: from nothing to a measured weather classifier
	dvc repro

test: .venv/dev ## the default tests
	pytest -n 2

slow: .venv/slow ## the longer tests
	pytest -m slow

browser: .venv/browser ## the MLflow UI and the report, opened in the system's Chromium
	pytest -m browser tests/browser

lint: .venv/dev ## style, format and types
	ruff check . && ruff format --check . && mypy

ui: .venv/base ## the MLflow UI on localhost, port 5000
	mlflow ui --backend-store-uri sqlite:///mlflow.db --host 127.0.0.1 --port 5000 --workers 1

clean: ## remove what was made, but not the environment or the tracking database
	rm -rf data runs reports .pytest_cache .mypy_cache .ruff_cache

# Marks say what is installed; a changed pyproject.toml or constraints.txt installs again.
.venv/base: pyproject.toml constraints.txt
	@$(MAKE) --no-print-directory install EXTRA= MARK=base
.venv/dev: pyproject.toml constraints.txt
	@$(MAKE) --no-print-directory install EXTRA='[dev,explain,transfer]' MARK=dev
.venv/slow: pyproject.toml constraints.txt
	@$(MAKE) --no-print-directory install EXTRA='[dev,explain,transfer,ray]' MARK=slow
.venv/browser: pyproject.toml constraints.txt
	@$(MAKE) --no-print-directory install EXTRA='[dev,browser]' MARK=browser

.PHONY: install dvc-ready
install:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "overcast needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) -V 2>&1). Try: make PYTHON=python3.12"; exit 1; }
	@echo "Installing into .venv: 2 to 5 minutes and 2.5 GB of disk (more where pip picks a CUDA build of torch)"
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --constraint constraints.txt --editable '.$(EXTRA)'
	@touch .venv/base .venv/$(MARK)

dvc-ready: # a downloaded archive is no git repository, which DVC has to be told
	@test -e .git || dvc config --local core.no_scm true
