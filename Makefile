# Two commands for a visitor: `make demo` and `make test`. Both make .venv by themselves.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
INSTALLED := $(VENV)/installed

.PHONY: help install demo test lint docs clean

help:  ## What can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

# torch comes first: what depends on it then takes this build and no other.
$(INSTALLED): setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --constraint constraints.txt torch
	$(RUN) -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $(INSTALLED)

install: $(INSTALLED)  ## Make .venv with the package and its development tools

demo: $(INSTALLED)  ## The main job: weak labels in, cleaned labels and a trained classifier out
	$(RUN) examples/demo_mitdb.py

# One thread per process: two processes with two threads each would be slower than both.
test: $(INSTALLED)  ## The test suite
	OMP_NUM_THREADS=1 $(RUN) -m pytest --numprocesses auto

lint: $(INSTALLED)  ## Format, style and spelling
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(VENV)/bin/codespell

docs: $(INSTALLED)  ## The documentation, into docs/_build/html
	$(RUN) -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	OMP_NUM_THREADS=1 $(RUN) -m sphinx -W --keep-going docs docs/_build/html

clean:  ## Remove what was made
	rm -rf $(VENV) demo_output docs/_build docs/generated docs/auto_examples build dist .pytest_cache .ruff_cache *.egg-info
