# Two commands are the whole set-up: `make run` and `make test`, with Python 3.11+, git and make.

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8050
WORKSPACE ?= demo-workspace
VILLAGES ?= 3520

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
CHECKED := geodata layers callbacks dashboard tests

.DEFAULT_GOAL := help
.PHONY: help run test lint format bench soak wheel clean browser

help:
	@echo 'make run    venv, install, demo workspace, build, serve on $(HOST):$(PORT)'
	@echo 'make test   lint, types, imports and every test, browser tests included'
	@echo 'make bench  the benchmarks, as a table and JSON'
	@echo 'make soak   the tests whose full count takes longer than CI has'
	@echo 'make wheel  a wheel in dist/'
	@echo 'make clean  remove what was made (not the demo workspace)'
	@echo 'HOST, PORT, WORKSPACE, VILLAGES and PYTHON can be set: make run PORT=9000'

# Installed anew when the declaration changes; otherwise a second run starts at once.
$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Python 3.11 or newer is needed; name it: make run PYTHON=python3.11'; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ echo 'No venv could be made; on Debian: apt-get install python3-venv'; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

run: $(STAMP)
	@test -f $(WORKSPACE)/atlas.toml || $(BIN)/bangfu demo $(WORKSPACE) --villages $(VILLAGES)
	@test -f $(WORKSPACE)/atlas.sqlite || $(BIN)/bangfu build $(WORKSPACE)
	$(BIN)/bangfu serve $(WORKSPACE) --host $(HOST) --port $(PORT)

test: $(STAMP) browser
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/ruff format --check $(CHECKED)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -m 'not soak' --numprocesses auto --dist loadfile --no-loadscope-reorder

# Browser tests drive the system's Chromium; Chinese labels need a Chinese font.
browser:
	@if command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
			|| command -v google-chrome >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update --quiet && \
		DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends \
			chromium fonts-noto-cjk; \
	else \
		echo 'Browser tests need Chromium and a Chinese font. On Debian or Ubuntu:'; \
		echo '    sudo apt-get install chromium fonts-noto-cjk'; \
		exit 1; \
	fi

lint: $(STAMP)
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff format $(CHECKED)
	$(BIN)/ruff check --fix $(CHECKED)

bench: $(STAMP) browser
	$(BIN)/bangfu bench --json bench-results/latest.json

soak: $(STAMP) browser
	SOAK=1 $(BIN)/pytest -m soak

wheel: $(STAMP)
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) build dist bench-results test-results *.egg-info
	rm -rf .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
