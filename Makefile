PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup checkov demo quick test lint coverage soak bench bench-peers lock clean

help:  ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMP) checkov  ## make .venv and .checkov-venv in the checkout; nothing outside it is touched

# pip's own cache would be written to the home folder: --no-cache-dir.
$(STAMP): requirements/dev.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-cache-dir --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-cache-dir --no-deps --no-build-isolation --editable .
	touch $@

# Its pins clash with ours, so it has a venv of its own (docs/checkov.md).
checkov: .checkov-venv/.installed  ## install checkov, whose checks we use, into .checkov-venv

.checkov-venv/.installed: requirements/checkov.txt
	test -x .checkov-venv/bin/python || $(PYTHON) -m venv .checkov-venv
	.checkov-venv/bin/python -m pip install --quiet --disable-pip-version-check --no-cache-dir --require-hashes -r requirements/checkov.txt
	touch $@

demo: setup  ## the whole loop on a local AWS emulator, no account needed
	$(BIN)/hinomi demo

lint: setup  ## ruff, import-linter, mypy strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy

quick: setup  ## the tests that start no process and no server, and sweep over nothing, in a minute or two
	$(BIN)/pytest -n 2 -m "not process and not sweep and not soak"

# mypy runs beside the tests, of which three at a time keep two cores busy: they wait for servers now and then.
test: setup  ## all checks and all tests but the long runs; what they cost, too (docs/testing.md)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy & types=$$!; $(BIN)/pytest -n 3 --dist loadgroup --costs; tests=$$?; wait $$types && exit $$tests

coverage: setup  ## branches that the tests run, apart from `make test`; the gate only rises
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 2 --dist loadgroup
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

soak: setup  ## the long runs (kills, simulations)
	$(BIN)/pytest -m soak -s

bench: setup  ## every number of docs/benchmarks.md, about 30 minutes; needs bench-peers
	$(BIN)/python -m bench.startup
	$(BIN)/python -m bench.serving
	$(BIN)/python -m bench.strangers
	$(BIN)/python -m bench.checks
	$(BIN)/python -m bench.rescan
	$(BIN)/python -m bench.records
	$(BIN)/python -m bench.log_reading
	$(BIN)/python -m bench.log_taking
	$(BIN)/python -m bench.log_lane
	$(BIN)/python -m bench.log_marking
	$(BIN)/python -m bench.log_fairness
	$(BIN)/python -m bench.log_waiting
	$(BIN)/python -m bench.log_memory
	$(BIN)/python -m bench.suspension
	$(BIN)/python -m bench.deciding
	$(BIN)/python -m bench.terms
	$(BIN)/python -m bench.gate
	$(BIN)/python -m bench.own_policies
	$(BIN)/python -m bench.checkov_checks
	$(BIN)/python -m bench.program_secrets
	$(BIN)/python -m bench.azure_resources
	$(BIN)/python -m bench.gcp_assets
	$(BIN)/python -m bench.kubernetes_pods
	$(BIN)/python -m bench.containers
	$(BIN)/python -m bench.changes
	$(BIN)/python -m bench.growth 1
	$(BIN)/python -m bench.against_prowler
	$(BIN)/python -m bench.growth 10
	$(BIN)/python -m bench.many_accounts 200

# Their pins clash with ours and with each other's, so each has a venv of its own.
bench-peers: .bench-venv/.installed .custodian-venv/.installed  ## install what the benchmarks compare with

.bench-venv/.installed: Makefile
	test -x .bench-venv/bin/python || $(PYTHON) -m venv .bench-venv
	.bench-venv/bin/python -m pip install --quiet --disable-pip-version-check --no-cache-dir prowler==5.46.0
	touch $@

.custodian-venv/.installed: Makefile
	test -x .custodian-venv/bin/python || $(PYTHON) -m venv .custodian-venv
	.custodian-venv/bin/python -m pip install --quiet --disable-pip-version-check --no-cache-dir c7n==0.9.53
	touch $@

lock: setup  ## compile the pinned requirement files anew
	for e in run dev checkov; do \
	  from=$$( [ $$e = checkov ] && echo requirements/checkov.in || echo pyproject.toml ); \
	  extra=$$( [ $$e = dev ] && echo "--extra demo --extra dev" ); \
	  $(BIN)/pip-compile --quiet --strip-extras --allow-unsafe --generate-hashes --no-header --no-annotate \
	    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host $$extra -o requirements/$$e.txt $$from && \
	  sed -i '/^#/d; /^$$/d' requirements/$$e.txt; done

clean:  ## remove what setup and the tests made
	rm -rf $(VENV) .checkov-venv .bench-venv .custodian-venv .mypy_cache .ruff_cache .hypothesis .import_linter_cache
