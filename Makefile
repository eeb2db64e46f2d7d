# Two commands for a visitor: `make demo` and `make test`. Both make .venv by themselves.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
INSTALLED := $(VENV)/installed

.PHONY: help install demo test lint clean

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

test: $(INSTALLED)  ## The test suite
	$(RUN) -m pytest

lint: $(INSTALLED)  ## Format, style and spelling
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(VENV)/bin/codespell

clean:  ## Remove what was made
	rm -rf $(VENV) demo_output build dist .pytest_cache .ruff_cache *.egg-info
