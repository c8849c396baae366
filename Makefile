# Everything that needs more than one command. Works with GNU Make 3.81.
# Windows without make: the same commands are in README.md.

VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
READY := $(VENV)/.ready

# Tests start hundreds of Pythons: without compiled modules each takes twice as long.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help env lab check lint test test-notebooks test-browser test-long refresh book wheelhouse recorded bench audit lock clean

help:
	@echo "make lab             set up, start the local AWS and open JupyterLab on the first notebook"
	@echo "make check           set up and check style, types, imports and all that needs no server: a minute"
	@echo "make test            that, and every other test, each notebook once (a browser is not needed)"
	@echo "make test-notebooks  the notebooks alone, three times: in order, reversed, and in order again"
	@echo "make test-browser    every notebook by Run All in JupyterLab, in Chromium"
	@echo "make test-long       the tests that take minutes"
	@echo "make refresh         run the notebooks and write their outputs anew"
	@echo "make book            the site in .cache/book/html: chapters, agendas, guide, reference; nothing is run"
	@echo "make wheelhouse      every locked package as a file in .cache/wheelhouse, for a room without a network"
	@echo "make recorded        fetch the recorded GitHub deliveries into .cache/recorded"
	@echo "make bench           one table of timings"
	@echo "make audit           what is known against a locked package; needs pipx and a network"
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

check: env lint
	$(BIN)/python -m tools.rings --check

test: env lint
	$(BIN)/python -m tools.rings

lint: env
	$(BIN)/ruff check .
	$(BIN)/mypy
	for handler in publish subscribe subscribe_postgres; do \
	  (cd handlers/$$handler && MYPYPATH=..:../subscribe ../../$(BIN)/mypy --config-file ../../pyproject.toml --cache-dir ../../.mypy_cache/$$handler .) || exit 1; \
	done
	$(BIN)/lint-imports

test-notebooks: env
	$(BIN)/python -m pytest tests/notebooks --rounds

test-browser: env
	$(BIN)/python -m pytest tests/browser

test-long: env
	$(BIN)/python -m tools.rings --long

refresh: env
	$(BIN)/python -m tools.refresh
	$(BIN)/python -m tools.agendas
	$(BIN)/python -m tools.class_board
	$(BIN)/python -m tools.showcase

book: env
	$(BIN)/python -m tools.book

wheelhouse: env
	$(BIN)/python -m pip download --quiet --require-hashes -r requirements.lock --dest .cache/wheelhouse

recorded: env
	$(BIN)/python -m tools.recorded

bench: env
	$(BIN)/python -m bench

# A program of its own, pinned here: it must not share the environment that it judges.
audit:
	pipx run pip-audit==2.10.1 --strict --disable-pip --requirement requirements.lock

lock: env
	$(BIN)/python -m tools.lock

clean:
	rm -rf .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build dist
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
