# Everything that needs more than one command. Works with GNU Make 3.81.
# Windows without make: the same commands are in README.md.

VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help env lab test test-notebooks test-browser test-long refresh recorded bench lock clean

help:
	@echo "make lab             set up, start the local AWS and open JupyterLab on the first notebook"
	@echo "make test            set up and run every test, notebooks included (a browser is not needed)"
	@echo "make test-notebooks  the notebooks alone: in order, reversed, and again on the same lab"
	@echo "make test-browser    every notebook by Run All in JupyterLab, in Chromium"
	@echo "make test-long       the tests that take minutes"
	@echo "make refresh         run the notebooks and write their outputs anew"
	@echo "make recorded        fetch the recorded GitHub deliveries into .cache/recorded"
	@echo "make bench           one table of timings"
	@echo "make lock            resolve requirements.lock anew from pyproject.toml"
	@echo "make env             prepare .venv and nothing more (PYTHON=... picks the interpreter)"
	@echo "make clean           remove caches"

# The stamp is written last, so an interrupted installation is taken up again.
$(READY): requirements.lock pyproject.toml tools/env.sh
	@PYTHON="$(PYTHON)" sh tools/env.sh $(VENV) $(BIN)
	@touch $(READY)

env: $(READY)

lab: env
	@$(BIN)/webhook-lab open $(OPEN)

test: env
	$(BIN)/ruff check .
	$(BIN)/mypy
	for handler in publish subscribe; do \
	  (cd handlers/$$handler && ../../$(BIN)/mypy --config-file ../../pyproject.toml --cache-dir ../../.mypy_cache/$$handler .) || exit 1; \
	done
	$(BIN)/lint-imports
	$(BIN)/python -m pytest

test-notebooks: env
	$(BIN)/python -m pytest tests/notebooks

test-browser: env
	$(BIN)/python -m pytest tests/browser

test-long: env
	$(BIN)/python -m pytest --long -m long tests

refresh: env
	$(BIN)/python -m tools.refresh

recorded: env
	$(BIN)/python -m tools.recorded

bench: env
	$(BIN)/python -m bench

lock: env
	$(BIN)/python -m tools.lock

clean:
	rm -rf .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build dist
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
