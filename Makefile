# Three commands for a visitor: `make demo`, `make desk` and `make test`. All make .venv by themselves.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
INSTALLED := $(VENV)/installed

.PHONY: help install demo desk test browser test-lowest stress load lint types docs links notebooks \
	changelog dist release lock sbom clean

help:  ## What can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

# torch comes first: what depends on it then takes this build and no other.
$(INSTALLED): setup.cfg pyproject.toml constraints.txt
	@echo "Installing into $(VENV): this takes some minutes."
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --constraint constraints.txt torch
	$(RUN) -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $(INSTALLED)

install: $(INSTALLED)  ## Make .venv with the package and its development tools

demo: $(INSTALLED)  ## The main job: weak labels in, cleaned labels and a trained classifier out
	$(RUN) examples/demo_mitdb.py

desk: $(INSTALLED)  ## The review desk in a browser, with ECGs of which some labels are wrong
	$(RUN) examples/demo_desk.py
	$(RUN) -m sklearn_ecg review build/desk/queue.sqlite

# One thread per process: two processes with two threads each would be slower than both.
test: $(INSTALLED)  ## The test suite
	OMP_NUM_THREADS=1 $(RUN) -m pytest --numprocesses auto

browser:  ## Chromium from Debian's packages, without which tests of the review desk are skipped
	command -v chromium > /dev/null || \
		(apt-get update -qq && apt-get install -qq --yes --no-install-recommends chromium)

# torch stays as it is pinned: each of its releases weighs gigabytes. Docstrings print as NumPy 2 does.
test-lowest:  ## The test suite with the lowest versions that setup.cfg allows, in build/lowest
	rm -rf build/lowest
	$(PYTHON) -m venv build/lowest
	build/lowest/bin/pip install --quiet --constraint constraints.txt torch
	build/lowest/bin/pip install --quiet --constraint tools/lowest.txt --editable '.[test]'
	build/lowest/bin/pip check
	OMP_NUM_THREADS=1 build/lowest/bin/python -m pytest --numprocesses auto tests

stress: $(INSTALLED)  ## All kinds of bad input, kills and full disks, into docs/results/stress.md
	OMP_NUM_THREADS=1 $(RUN) -m benchmarks.stress

load: $(INSTALLED)  ## Fifty simulated readers at the review desk for two minutes
	OMP_NUM_THREADS=1 $(RUN) -m benchmarks.review_load

lint: $(INSTALLED)  ## Format, style and spelling
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(VENV)/bin/typos

types: $(INSTALLED)  ## The types, by mypy
	$(RUN) -m mypy

$(VENV)/docs: $(INSTALLED)
	$(RUN) -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	touch $(VENV)/docs

docs: $(VENV)/docs  ## The documentation, into docs/_build/html
	OMP_NUM_THREADS=1 $(RUN) -m sphinx -W --keep-going docs docs/_build/html

links: $(VENV)/docs  ## Whether links of the documentation to other sites lead somewhere; needs the network
	$(RUN) -m sphinx -q -D plot_gallery=0 -b linkcheck docs docs/_build/links

notebooks: $(VENV)/docs  ## Every example as a notebook, each in a process and a folder of its own
	OMP_NUM_THREADS=1 $(RUN) tools/run_notebooks.py

changelog: $(INSTALLED)  ## The section of the changelog that the files of changes/ make, as a draft
	$(RUN) -m towncrier build --draft --version next

dist: $(INSTALLED)  ## The source archive and the wheel made from it, tried in an empty environment
	rm -rf dist build/empty
	$(RUN) -m build
	$(RUN) tools/check_dist.py
	$(PYTHON) -m venv build/empty
	build/empty/bin/pip install --quiet --constraint constraints.txt torch
	build/empty/bin/pip install --quiet --constraint constraints.txt dist/*.whl
	build/empty/bin/pip check
	build/empty/bin/python tools/try_installed.py

# It ends with a commit and a tag of this clone; the upload is a person's decision.
release: $(INSTALLED)  ## Version, changelog, checks, archives, commit and tag: make release VERSION=0.2.0
	$(RUN) tools/release.py $(VERSION)
	$(MAKE) lint types test dist
	git commit --quiet --all --message "release: $(VERSION)"
	git tag --annotate --message "sklearn_ecg $(VERSION)" v$(VERSION)
	@echo "Tagged v$(VERSION). CONTRIBUTING.md tells how to publish it."

lock: $(INSTALLED)  ## Every package that an install takes here, with its hash, into build/lock.txt
	mkdir -p build
	$(RUN) -m pip install --quiet --dry-run --ignore-installed --report build/lock.json \
		--constraint constraints.txt .
	$(RUN) tools/write_lock.py build/lock.json > build/lock.txt

# The tool has an environment of its own, so that the bill names none of its parts.
sbom: dist  ## What the installed wheel brings along, as CycloneDX JSON, into build/sbom.json
	$(PYTHON) -m venv build/sbom
	build/sbom/bin/pip install --quiet cyclonedx-bom==7.5.0
	build/sbom/bin/cyclonedx-py environment -o build/sbom.json build/empty/bin/python

clean:  ## Remove what was made
	rm -rf $(VENV) demo_output docs/_build docs/generated docs/auto_examples build dist .pytest_cache .ruff_cache *.egg-info
