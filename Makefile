# `make` or `make help` lists what there is. Everything is installed into .venv, nothing outside.
PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export DVC_NO_ANALYTICS := 1

# The line of a target in `make help`, which it says before it begins.
announced = @sed -n 's/^$@:.*\#\# /$@: /p' $(firstword $(MAKEFILE_LIST))

# UV=1: uv installs, instead of pip, in a sixth of the time. It reads nothing of pip's own settings.
INSTALL := .venv/bin/python -m pip install --quiet
ifdef UV
INSTALL := uv pip install --quiet --python .venv/bin/python
endif

.DEFAULT_GOAL := help
.PHONY: help repro experiments plots test slow browser fuzz faults lint bench bench-quick audit-dependencies docs docs-runs ui containers clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

repro: .venv/base dvc-ready ## the main job: from nothing to a measured weather classifier
	$(announced)
	dvc repro

# What is always shown of an experiment, and what is not, even where it differs; of all the rest, what differs.
SHOWN := (model|mitigation|test\.accuracy|gap\.accuracy)$$
HIDDEN := (train|validation|test|gap|baseline|class)\.|(src|data|pipelines|runs|conf)/[^:]*$$|.*_target_$$|Created
experiments: .venv/base ## the experiments of `dvc exp run`, best first, in the columns that matter
	$(announced)
	dvc exp show --only-changed --keep '$(SHOWN)' --drop '$(HIDDEN)' --sort-by test.accuracy --sort-order desc --precision 3

plots: .venv/base dvc-ready ## this run's plots beside those of the last commit, in dvc_plots/index.html
	$(announced)
	dvc plots diff

test: .venv/dev ## the default tests
	$(announced)
	pytest -n 2

slow: .venv/slow ## the longer tests
	$(announced)
	pytest -n 2 -m slow

browser: .venv/browser ## the MLflow UI and the report, opened in the system's Chromium
	$(announced)
	pytest -n 2 -m browser tests/browser

fuzz: .venv/dev ## two thousand random inputs: a quarter of an hour
	$(announced)
	pytest -m long tests/fuzzing

faults: .venv/dev ## break everything on purpose, many times: most of a day, goes on if stopped
	$(announced)
	python tests/faults/run_all.py

bench: .venv/dev ## what overcast costs beside the bare libraries, as ratios: half an hour
	$(announced)
	python benchmarks/ratios.py
	python benchmarks/parallel.py

bench-quick: .venv/dev ## the main ratios, against generous bounds
	$(announced)
	python benchmarks/ratios.py quick=true

lint: .venv/dev ## style, format and types
	$(announced)
	ruff check . && ruff format --check . && mypy

# Strict, or what could not be asked about would pass; by constraints.txt, since an installed torch may be of a build
# such as 2.13.0+cpu, which no database knows. There is a .venv/audit.json only where all were asked about.
audit-dependencies: .venv/pip-audit ## known vulnerabilities of the pinned packages; fails where it cannot ask
	$(announced)
	@rm -f .venv/audit.json; grep '==' constraints.txt > .venv/pinned.txt
	@.venv/pip-audit/bin/python -m pip_audit --strict --disable-pip --no-deps --requirement .venv/pinned.txt \
	  --format json --output .venv/audit.json || { \
	  test -f .venv/audit.json && echo "VULNERABLE: see .venv/audit.json" || \
	  echo "NOT AUDITED: the database of vulnerabilities (pypi.org) has not answered for every package"; exit 1; }
	@echo "audited: no known vulnerability in $$(wc -l < .venv/pinned.txt) packages"

.venv/pip-audit: # apart from what it audits
	@rm -rf $@.part && $(PYTHON) -m venv $@.part
	@$@.part/bin/python -m pip install --quiet 'pip-audit>=2.9,<3'
	@mv $@.part $@

docs: .venv/docs ## this documentation as a site: site/index.html, in English and Korean, also without a network
	$(announced)
	python docs/build_site.py

docs-runs: .venv/dev ## measure again what the course shows: docs/tables, less than an hour
	$(announced)
	OVERCAST_HOME=$(CURDIR)/build/docs-runs python docs/course_runs.py $(TABLES)

ui: .venv/base ## the MLflow UI on localhost, port 5000
	$(announced)
	cd "$${OVERCAST_HOME:-.}" && python -m overcast.tracking.database sqlite:///mlflow.db && mlflow ui --backend-store-uri sqlite:///mlflow.db --host 127.0.0.1 --port 5000 --workers 1

containers: ## the champion of MODEL=… and the MLflow UI in containers, on localhost: ports 5001 and 5000
	$(announced)
	mkdir -p "$${OVERCAST_HOME:-.}/reports"
	OVERCAST_UID=$$(id -u) MODEL=$(MODEL) docker compose up --build

clean: ## remove what was made, but not the environment or the tracking database
	$(announced)
	rm -rf data runs reports site build dvc_plots .pytest_cache .mypy_cache .ruff_cache

# Marks say what is installed; a changed pyproject.toml or constraints.txt installs again.
.venv/base: pyproject.toml constraints.txt
	@$(MAKE) --no-print-directory install EXTRA= MARK=base
.venv/dev: pyproject.toml constraints.txt
	@$(MAKE) --no-print-directory install EXTRA='[dev,explain,korean,serve,tensorboard,transfer,transfer-sound,voices]' MARK=dev
.venv/slow: pyproject.toml constraints.txt
	@$(MAKE) --no-print-directory install EXTRA='[dev,explain,korean,serve,tensorboard,transfer,transfer-sound,transfer-text,voices,ray,server,slurm,notebooks]' MARK=slow
.venv/docs: pyproject.toml constraints.txt
	@$(MAKE) --no-print-directory install EXTRA='[docs]' MARK=docs
.venv/browser: pyproject.toml constraints.txt
	@$(MAKE) --no-print-directory install EXTRA='[dev,docs,browser]' MARK=browser

.PHONY: install
install:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "overcast needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) -V 2>&1). Try: make PYTHON=python3.12"; exit 1; }
ifdef UV
	@command -v uv > /dev/null || { echo "UV=1 needs uv on the path: install it (pip install uv), or leave UV=1 out"; exit 1; }
	@echo "uv reads neither pip.conf nor PIP_INDEX_URL: another index is named by UV_DEFAULT_INDEX and UV_INDEX, wheels by UV_FIND_LINKS"
endif
	@echo "Installing into .venv: 2 to 5 minutes and 2.5 GB of disk (more where pip picks a CUDA build of torch)"
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv
	$(INSTALL) --constraint constraints.txt --editable '.$(EXTRA)'
	@touch .venv/base .venv/$(MARK)

.PHONY: dvc-ready
dvc-ready: .dvc/plots.html # a downloaded archive is no git repository, which DVC has to be told
	@test -e .git || dvc config --local core.no_scm true

.dvc/plots.html: .venv/base # DVC's own page fetches its scripts from the internet
	@.venv/bin/python -m overcast.evaluation.dvc_plots $@
	@dvc config --local plots.html_template plots.html
