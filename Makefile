# Everything a developer does. `make` prints this list.
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
WORKERS ?= 4
SIDE_BY_SIDE = --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder

help: ## print the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

$(STAMP): requirements/dev.txt pyproject.toml
	test -x $(BIN)/python || "$$(tools/find-python)" -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

venv: $(STAMP) ## the virtual environment, from the hash-pinned lock

demo: $(STAMP) ## everything from nothing, then a live view (DEMO_SECONDS=40 ends by itself)
	$(BIN)/python -m demo

test: $(STAMP) ## unit tests, and integration tests on a real API server and authorization server
	$(BIN)/python -m tests.control_plane build
	$(BIN)/python -m pytest $(SIDE_BY_SIDE)

coverage: $(STAMP) ## the same, with the lines no test runs
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) --cov --cov-report=term-missing:skip-covered

unit: $(STAMP) ## the fast half of the tests
	$(BIN)/python -m pytest tests/unit

e2e: ## the same product in kind where Docker runs, on the local control plane elsewhere
	test -x $(VENV)-e2e/bin/python || "$$(tools/find-python)" -m venv $(VENV)-e2e
	$(VENV)-e2e/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/e2e.txt
	$(VENV)-e2e/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(VENV)-e2e/bin/python -m pytest tests/e2e

node: $(STAMP) ## a real kubelet runs the image as the chart installs it (root on Linux; says so where it cannot)
	$(BIN)/python -m tests.node

$(VENV)-run/.installed: requirements/run.txt
	test -x $(VENV)-run/bin/python || "$$(tools/find-python)" -m venv $(VENV)-run
	$(VENV)-run/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	touch $@

bench: $(STAMP) $(VENV)-run/.installed ## figures against the naive operator, as ratios of one run
	BENCH_PYTHON=$(CURDIR)/$(VENV)-run/bin/python $(BIN)/python -m tests.benchmarks

faults: $(STAMP) ## the long fault campaign: kills, outages, lost answers, judged by the servers' logs (50 minutes)
	$(BIN)/python -m tests.faults

picture: ## docs/dashboard.png from a real run (7 minutes)
	test -x $(VENV)-picture/bin/python || "$$(tools/find-python)" -m venv $(VENV)-picture
	$(VENV)-picture/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/picture.txt
	$(VENV)-picture/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(VENV)-picture/bin/python -m pytest -o faulthandler_timeout=0 tests/integration/operator/dashboard_picture.py

image: ## the container image, with docker, podman or buildah (IMAGE=name:tag BASE=a Debian)
	tools/image

packages: ## what the tests need of Debian and cannot bring: chromium, containerd … (skipped without)
	tools/debian-packages

docs: $(STAMP) ## the documentation as a site, in build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet
	@echo "build/site/index.html; to search in it: $(BIN)/python -m http.server --directory build/site"

lint: $(STAMP) ## formatting, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test node ## what CI runs

format: $(STAMP) ## apply formatting and safe fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(STAMP) ## renew the hash-pinned locks (needs uv)
	tools/lock

clean: ## remove what the build made here (the cache of built binaries stays)
	rm -rf $(VENV) $(VENV)-e2e $(VENV)-run $(VENV)-picture build dist .coverage .mypy_cache .ruff_cache .import_linter_cache

.PHONY: help venv packages demo test coverage unit e2e node bench faults picture image docs lint check format lock clean
.DEFAULT_GOAL := help
