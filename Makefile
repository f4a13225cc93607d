# Two commands set everything up on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
PEERS := .venv-peers
FRONT := apps/frontend
PAGE := src/hotband/service/page/index.html
PAGE_SOURCES := $(shell find $(FRONT)/src $(FRONT)/public $(FRONT)/scripts -type f 2>/dev/null) \
	$(FRONT)/index.html $(FRONT)/vite.config.ts $(FRONT)/tsconfig.json $(FRONT)/package-lock.json

.PHONY: demo page page-if-node front test test-long mutants check docs schemas services bench bench-peers lock clean help

help:
	@echo "make demo       set up and run the main job on embedded defaults"
	@echo "make test       set up and run every check and test (what CI runs)"
	@echo "make test-long  the soaks, and mutants"
	@echo "make mutants    plant small mistakes and see whether a test notices"
	@echo "make bench      benchmarks: a table, and JSON under output/bench"
	@echo "make bench-peers  the same cells through vectorbt, in an environment of its own"
	@echo "make check      lint, types, import contracts only"
	@echo "make docs       the documentation site, into output/site"
	@echo "make schemas    write docs/schemas and docs/openapi.json from the models"
	@echo "make page       build the dashboard into the package"
	@echo "make front      types, lint and unit tests of the dashboard"
	@echo "make services   put a Valkey server and Chromium on the machine, where they are missing"
	@echo "make lock       resolve the dependency locks anew"

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] <= (3, 13) else "hotband needs Python 3.11 to 3.13; name one: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

$(STAMPS)/runtime: requirements/runtime.txt pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -q --require-hashes -r requirements/runtime.txt
	$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/dev: requirements/dev.txt $(STAMPS)/runtime
	$(BIN)/python -m pip install -q --require-hashes -r requirements/dev.txt
	@mkdir -p $(STAMPS) && touch $@

demo: $(STAMPS)/runtime page-if-node
	$(BIN)/hotband demo $(if $(filter 0,$(SERVE)),,--serve)

# As locked, and the lock stays as it is. Not "npm ci": it refuses a lock that leaves out packages
# of other platforms, which a registry that does not have them makes.
$(FRONT)/node_modules/.stamp: $(FRONT)/package-lock.json
	cd $(FRONT) && npm install --no-save --no-audit --no-fund --loglevel=error
	@touch $@

$(PAGE): $(PAGE_SOURCES) | $(FRONT)/node_modules/.stamp
	cd $(FRONT) && npm run --silent build

page: $(FRONT)/node_modules/.stamp $(PAGE)

# The page is built where Node is; without it the demo runs, and its API answers.
page-if-node:
	@if command -v npm >/dev/null 2>&1; then $(MAKE) --no-print-directory page; \
	else echo "no Node here: the dashboard is not built"; fi

front: page
	cd $(FRONT) && npm run --silent check && npm run --silent test

check: $(STAMPS)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# What Material says of its successor is no fault of the pages.
docs: $(STAMPS)/dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

schemas: $(STAMPS)/runtime
	$(BIN)/python -m hotband.artefacts.publish docs/schemas
	$(BIN)/python -m hotband.service.openapi docs/openapi.json

# The script itself sees what is there, so that no stamp can outlive the server.
services:
	./scripts/install_services.sh

test test-long: services

# The dashboard is built and checked beside the Python checks: neither needs the other.
test:
	$(MAKE) --no-print-directory -j2 check front
	$(BIN)/python -m pytest -m "not long" -n 2 --dist loadfile --no-loadscope-reorder --durations=20

test-long: $(STAMPS)/dev page
	$(BIN)/python -m pytest -m long

mutants: $(STAMPS)/dev
	$(BIN)/python -m tests.mutants.run

bench: $(STAMPS)/dev
	$(BIN)/python -m benchmarks

# vectorbt (Apache with the Commons Clause) is no dependency: only this case imports it.
$(PEERS)/.stamp: requirements/peers.txt pyproject.toml
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install -q --require-hashes -r requirements/peers.txt
	$(PEERS)/bin/python -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

bench-peers: $(PEERS)/.stamp
	$(PEERS)/bin/python -m benchmarks --only peers --out output/bench/peers.json

lock: $(STAMPS)/dev
	$(BIN)/python -m pip install -q "uv>=0.9"
	$(BIN)/uv pip compile pyproject.toml --extra build --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements/runtime.txt
	$(BIN)/uv pip compile pyproject.toml --extra build --extra dev --extra ray --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements/dev.txt
	echo "vectorbt==1.2.0" | $(BIN)/uv pip compile pyproject.toml - -c requirements/runtime.txt --extra build --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements/peers.txt

clean:
	rm -rf $(VENV) $(PEERS) .mypy_cache .ruff_cache .pytest_cache .hypothesis output
