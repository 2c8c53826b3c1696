# Everything a fresh machine needs: `make run` and `make test` make the environment themselves.

.DEFAULT_GOAL := help
SHELL := /bin/sh

# Any Python from 3.8 can start the bootstrap, which looks for 3.12 or newer itself.
PYTHON := $(shell for p in python3.14 python3.13 python3.12 python3 python; do \
	if $$p -c 'import sys; sys.exit(sys.version_info < (3, 8))' >/dev/null 2>&1; then \
	echo $$p; break; fi; done)
BOOTSTRAP = @test -n "$(PYTHON)" || { \
	echo "No Python found. Install Python 3.12 or newer, then try again."; exit 1; }; \
	$(PYTHON) tools/bootstrap.py

# Arguments for the command behind a target: make run ARGS="--paper --port 0"
ARGS ?=

.PHONY: help install run test tests gates check fmt topology picture views marks bench crash smoke soak trace \
	wheel release docs promote

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: ## Make the environment in .venv
	$(BOOTSTRAP) install

run: ## Guard accounts: paper without credentials, else live (ARGS="--paper")
	$(BOOTSTRAP) run $(ARGS)

test: ## Run the tests (ARGS="-k name")
	$(BOOTSTRAP) test $(ARGS)

tests: ## Choose tests from a menu, with a report of each run (ARGS="unit", ARGS=--changed)
	$(BOOTSTRAP) tests $(ARGS)

gates: ## Judge the code by the quality gates (ARGS="--only lint types", ARGS=--list)
	$(BOOTSTRAP) gates $(ARGS)

check: ## Lint, types, complexity, tests, coverage: what CI runs
	$(BOOTSTRAP) check $(ARGS)

wheel: ## Build the wheel, install it in an empty environment, guard the simulator with it
	$(BOOTSTRAP) wheel $(ARGS)

release: ## Check, prepare or build a release (ARGS="check", ARGS="prepare 1.2.3")
	$(BOOTSTRAP) release $(ARGS)

fmt: ## Format the code and fix what can be fixed by itself
	$(BOOTSTRAP) fmt

topology: ## Print the actors and the messages between them (ARGS="--format mermaid")
	$(BOOTSTRAP) topology $(ARGS)

docs: ## Write the generated parts of the documentation anew (ARGS="--check" only looks)
	$(BOOTSTRAP) docs $(ARGS)

picture: ## Draw the screen of the running daemon into docs/screen.svg
	$(BOOTSTRAP) picture $(ARGS)

views: ## Take a picture of each view of the dashboard into docs/view-*.png (needs Chromium)
	$(BOOTSTRAP) views $(ARGS)

marks: ## Measure false flattens and missed breaches of the price filter (ARGS="--seeds 40")
	$(BOOTSTRAP) marks $(ARGS)

promote: ## Take a rule from its specification to enforcement (ARGS="--spec specs/NAME.md ...")
	$(BOOTSTRAP) promote $(ARGS)

bench: ## Measure how fast it is, against the plain SDK and others (ARGS="--only wire --quick")
	$(BOOTSTRAP) bench $(ARGS)

# How many kills, and the seed of the first day; every sixty kills are a day of their own.
KILLS ?= 300
SEED ?= 1

crash: export CRASH_KILLS := $(KILLS)
crash: export CRASH_SEED := $(SEED)
crash: ## Kill the daemon at random instants, compare with a whole run (KILLS=300 SEED=1)
	$(BOOTSTRAP) crash $(ARGS)

# For how long: seconds, or for a soak minutes.
SECONDS ?=
MINUTES ?=

smoke: ## Boot on paper, see the first event within 8 s, stop (exit 1 fault, 2 stalled)
	$(BOOTSTRAP) smoke $(ARGS)

soak: ## Run under load and see that nothing grows (SECONDS=60 or MINUTES=30, ARGS="--weather")
	$(BOOTSTRAP) soak $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SECONDS),--seconds $(SECONDS)) $(ARGS)

trace: ## Write every message with its times into trace.json, for ui.perfetto.dev (SECONDS=10)
	$(BOOTSTRAP) trace $(if $(SECONDS),--seconds $(SECONDS)) $(ARGS)
