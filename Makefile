# The two commands of the README are `make demo` and `make test`. Everything is set up when needed.

.DEFAULT_GOAL := help
.PHONY: help setup demo test check rules quick golden fuzz soak

# The newest Python that works, of those the locked packages have wheels for; PYTHON=… chooses another.
PYTHON ?= $(shell for name in python3.14 python3.13 python3.12 python3.11 python3; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$name && break; done)

help:  ## Say what can be made
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' Makefile

setup:  ## Make .venv with the locked packages (the other targets do it themselves)
	@test -n "$(PYTHON)" || { echo 'No Python 3.11 or later on PATH. Debian 12 and 13: apt install python3' >&2; exit 1; }
	@"$(PYTHON)" -m embedded.environment

demo: setup  ## Show the main path on simulated devices and serve the portal until Ctrl-C (SERVE=0: end after the summary)
	@.venv/bin/yardstick demo $(if $(filter 0,$(SERVE)),--no-serve)

check: setup  ## Format, lint, types, import rules and the fast tests: seconds
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target rules quick

rules:
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports

quick:
	.venv/bin/pytest -q -m "not services and not browser and not slow"

test: check  ## All of check, then the tests against the real database, broker and browser
	.venv/bin/pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m "services or browser or slow"

fuzz: setup  ## Search the decoders for faults for FUZZ_SECONDS (3600); led by coverage if atheris is installed in .venv
	.venv/bin/python -m tests.fuzz.decoders $(or $(FUZZ_SECONDS),3600)

soak: setup  ## A million messages while everything is killed and cut: minutes; prints a table of what became of them
	.venv/bin/python -m tests.soak

golden: setup  ## Rewrite the golden files from what is found; look at the difference before committing
	.venv/bin/pytest -q -k golden --update-golden
