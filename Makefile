# Two commands do all the set-up: `make run` starts VTS, `make test` runs lint, types, contracts and the quick tests.
# `make check` runs what is too slow for every change: long fuzz, many seeds, fresh installs.
# Both make .venv from the newest Python among 3.11-3.13 that is found (or PYTHON=...).

PYTHON ?= $(shell for v in 3.13 3.12 3.11; do python$$v -c 'import venv, ensurepip' >/dev/null 2>&1 && { command -v python$$v; break; }; done)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test check truth lint types contracts tests pages screenshots debian clean clean-data

run: $(VENV)/.installed
	$(BIN)/vts serve

test: lint types contracts tests

check: $(VENV)/.installed-dev pages/node_modules/.package-lock.json debian
	@sh tests/support/debian.sh promtool:prometheus pgbouncer:pgbouncer nginx:nginx-light caddy:caddy
	$(BIN)/pytest --numprocesses 2 --dist loadfile --timeout 1200 checks

# Twelve simulated days, for twenty seeds, against a model that counts the plain way.
truth: $(VENV)/.installed-dev
	VTS_TRUTH_SEEDS=20 $(BIN)/pytest --numprocesses 2 --timeout 1200 checks/test_truth.py

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

contracts: $(VENV)/.installed-dev
	$(BIN)/lint-imports

# Much of the suite waits for servers, so tests run side by side, each for itself but for those that share a process of
# their own (xdist_group); the stories of the whole process come after the rest.
tests: $(VENV)/.installed-dev debian
	$(BIN)/pytest --numprocesses 3 --dist loadgroup --ignore tests/system
	$(BIN)/pytest --numprocesses 3 --dist loadfile tests/system

# What VTS serves to browsers, built from pages/ into vts/web/static and committed, so that `make run` needs no Node.
pages: pages/node_modules/.package-lock.json
	$(BIN)/python -m tests.support.node build

# The README's pictures, from a seeded VTS.
screenshots: $(VENV)/.installed-dev debian
	$(BIN)/python -m checks.screenshots

pages/node_modules/.package-lock.json: pages/package-lock.json $(VENV)/.installed-pages
	$(BIN)/python -m tests.support.node install
	@touch $@

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "VTS needs Python 3.11, 3.12 or 3.13 with the venv module (Debian: apt-get install python3-venv)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[parquet]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,parquet]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-pages: pyproject.toml $(VENV)/.installed-dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,parquet,pages]'
	@touch $@

# The tests talk to a real Mosquitto and look at the pages in a real Chromium.
debian:
	@sh tests/support/debian.sh mosquitto:mosquitto mosquitto_pub:mosquitto-clients \
		chromium-headless-shell,chromium,google-chrome:chromium-headless-shell

clean:
	rm -rf $(VENV) build *.egg-info pages/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis

# All that this checkout has counted: var, and its database where that lies in /var/lib/vts.
clean-data: $(VENV)/.installed
	$(BIN)/python -m vts.cli.clean_data
