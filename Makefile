# Every target sets up what it needs on a machine that has Python 3.11 or newer and pip.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: help serve test test-slow lint check format bench load scale crash lock clean

help:
	@echo "make serve      install, index the seed articles, and open the chat on http://127.0.0.1:7860"
	@echo "make test       run the tests (slow ones: make test-slow)"
	@echo "make check      everything that has to pass: linters, types, contracts, tests"
	@echo "make format     let ruff format and mend what it can"
	@echo "make bench      measure every speed beside the usual LangChain recipe"
	@echo "make load       measure 50 users at the same time"
	@echo "make scale      build indexes of a thousand to a million chunks and measure them; see RESULTS.md"
	@echo "make crash      kill 100 processes that write to an index, and look what is left"
	@echo "make lock       write constraints.txt anew from the newest versions that pyproject.toml allows"
	@echo "make clean      remove what the other targets made"

serve: $(VENV)/.installed
	$(BIN)/hoidap serve

test: $(VENV)/.installed-dev
	$(BIN)/pytest

test-slow: $(VENV)/.installed-dev
	$(BIN)/pytest -m slow

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.installed-bench
	$(BIN)/python -m eval.bench

load: $(VENV)/.installed-dev
	$(BIN)/python -m eval.load

# ARTICLES=FILE.jsonl.gz are real articles to begin with; without them they are made up. SCALE needs 13 GB for a million.
scale: $(VENV)/.installed
	$(BIN)/python -m eval.scale --folder $(or $(SCALE),build/scale) $(if $(ARTICLES),--articles $(ARTICLES))

crash: $(VENV)/.installed
	$(BIN)/python -m eval.crash

lock:
	rm -rf $(VENV)-lock
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install torch==2.13.0 '.[dev]'
	(head -n 1 constraints.txt; $(VENV)-lock/bin/pip freeze --exclude hoidap | sed 's/+cpu$$//') > constraints.new
	mv constraints.new constraints.txt
	rm -rf $(VENV)-lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist

# Debian packs venv apart from Python; where it is missing, virtualenv from pip does the same.
$(BIN)/python:
	$(PYTHON) -m venv $(VENV) || (rm -rf $(VENV) && $(PYTHON) -m pip install --user --break-system-packages virtualenv && $(PYTHON) -m virtualenv $(VENV))

$(VENV)/.installed: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	touch $@

$(VENV)/.installed-bench: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[bench]'
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@
