# fs_hepipe: `make` alone lists what there is. A fresh Debian with python3, make and git is enough.

PYTHON ?= python3
VENV   ?= .venv
# more words for pytest: make unit ARGS='-k rtcp -x'
ARGS   ?=

BIN    := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest

# mod_python3 embeds the distribution's CPython, which another one on PATH may not be as fast as
BENCH_PYTHON ?= $(firstword $(wildcard /usr/bin/python3) $(PYTHON))

PYTHONS := python3.9 python3.10 python3.11 python3.12 python3.13

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv demo watch parameters pictures test test-all tests lint types floors unit collectors live homer
.PHONY: slow fuzz mutants bench bench-live clean wheel deb packages release-check

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- the virtual environment: built once, again when what it holds has changed ----------------------------------------

SOURCES := setup.py fs_hepipe/version.py scripts/dev/venv

$(VENV)/.holds-package: $(SOURCES)
	@scripts/dev/venv '$(PYTHON)' '$(VENV)' '.[tools]'
	@touch $@

$(VENV)/.holds-tests: $(SOURCES)
	@scripts/dev/venv '$(PYTHON)' '$(VENV)' '.[test]'
	@touch $@ $(VENV)/.holds-package

$(VENV)/.holds-mutation: $(VENV)/.holds-tests
	@scripts/dev/venv '$(PYTHON)' '$(VENV)' '.[test,mutation]'
	@touch $@

venv: $(VENV)/.holds-tests ## the virtual environment with everything that the tests need

# --- see it -----------------------------------------------------------------------------------------------------------

# --- pack it ----------------------------------------------------------------------------------------------------------

wheel: ## wheel and sdist of what is committed, checked and tried, in dist/
	@scripts/dev/venv '$(PYTHON)' .venv-release '.[release]'
	@scripts/dev/wheel .venv-release/bin/python dist

deb: ## fs-hepipe_<version>_all.deb of what is committed, lintian clean, in dist/ (needs debhelper, dh-python, lintian)
	@scripts/dev/deb dist

release-check: ## whether what is committed can be released: all of the above and the suite, on a clean clone
	@scripts/dev/release-check

demo: $(VENV)/.holds-package ## recorded calls through the agent into a collector, and what Homer would show
	@$(BIN)/python -m fs_hepipe demo

watch: $(VENV)/.holds-package ## the same calls as a live page: http://127.0.0.1:9063 (ARGS='--web 127.0.0.1:9999')
	@$(BIN)/python -m fs_hepipe watch --demo $(ARGS)

# --- say it once ------------------------------------------------------------------------------------------------------

parameters: $(VENV)/.holds-package ## fs_hepipe.conf.xml, README's settings and the manual pages, written from the code
	@$(BIN)/python scripts/dev/parameters

pictures: $(VENV)/.holds-tests ## the pictures of the page in docs/pictures, by Chromium
	@$(BIN)/python scripts/dev/pictures docs/pictures

# --- check it ---------------------------------------------------------------------------------------------------------

test: lint types floors ## the whole suite: style, types, floors, real collectors, coverage
	@tests/collectors/install
	@scripts/dev/covered $(BIN)/python $(ARGS)

tests: $(VENV)/.holds-tests ## the tests alone: no style, no types, no coverage
	@$(PYTEST) $(ARGS)

test-all: ## the tests on every CPython from 3.9 to 3.13 that is installed
	@scripts/dev/each-python $(PYTHONS)

lint: $(VENV)/.holds-tests ## ruff and shellcheck
	@PATH="$(CURDIR)/$(BIN):$$PATH" scripts/dev/lint

types: $(VENV)/.holds-tests ## mypy --strict
	@$(BIN)/python -m mypy

floors: $(VENV)/.holds-tests ## which module may import which, by import-linter
	@scripts/dev/quietly $(BIN)/lint-imports --no-cache && echo 'floors: kept'

unit: $(VENV)/.holds-tests ## only tests/unit
	@$(PYTEST) $(ARGS) tests/unit

collectors: $(VENV)/.holds-tests ## only the real collectors (as root on Debian: installs those that are missing)
	@tests/collectors/install
	@$(PYTEST) -rs $(ARGS) tests/collectors

live: $(VENV)/.holds-tests ## real switches: FREESWITCH=path/of/binary:path/of/another, or the one on PATH
	@$(PYTEST) -rs -m live $(ARGS)

homer: $(VENV)/.holds-tests ## a real Homer 7: HEPLIFY_SERVER, HOMER_APP, HOMER_UI, FREESWITCH; ARGS=--pictures for those of docs
	@$(PYTEST) -rs -m homer $(ARGS) tests/homer

CHROOTS ?= /var/tmp/fs_hepipe-chroots

packages: $(VENV)/.holds-tests ## the Debian package in chroots of Debian 12 and 13, as root: CHROOTS=folder for them (1 GB)
	@FS_HEPIPE_CHROOTS='$(CHROOTS)' $(PYTEST) -rs -m packages $(ARGS) tests/packages

slow: $(VENV)/.holds-tests ## the soak and whatever else takes minutes
	@$(PYTEST) -m slow $(ARGS)

fuzz: $(VENV)/.holds-tests ## random input in: SECONDS each (60), SEED=number to repeat a run; nothing bad may come out
	@$(PYTEST) -s -m fuzz $(if $(SECONDS),--fuzz-seconds=$(SECONDS)) $(if $(SEED),--fuzz-seed=$(SEED)) $(ARGS) tests/fuzz

mutants: $(VENV)/.holds-mutation ## what no test notices when calls/ or reports/ are changed: ARGS='fs_hepipe.calls.sdp*'
	@$(BIN)/python scripts/dev/mutants $(ARGS)

bench: ## what an event costs, side by side with other ways of doing it
	@$(MAKE) --no-print-directory venv PYTHON='$(BENCH_PYTHON)' VENV=.venv-bench
	@.venv-bench/bin/python bench/bench.py $(ARGS)

bench-live: ## what it costs a real switch: FREESWITCH=PATH[:PATH], HEPIPE_JS=a checkout of hepipe.js with its modules
	@$(MAKE) --no-print-directory venv PYTHON='$(BENCH_PYTHON)' VENV=.venv-bench
	@.venv-bench/bin/python -m bench.live $(ARGS)

clean: ## remove what make, Python and its tools made
	@rm -rf .venv* build dist ./*.egg-info .coverage .coverage.* .hypothesis .import_linter_cache mutants
	@rm -rf .mypy_cache .pytest_cache .ruff_cache tests/collectors/hepjs/node_modules bench/peers/node_modules
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
