# make quickstart   train, test and upscale with a small network, in minutes
# make docs         the documentation, in outputs/site      make schema   JSON schemas of the configs, for editors
# make test         the fast tests        make test-medium   those of seconds      make test-all   everything      make lint
PYTHON ?= python3
PY := .venv/bin/python
TIERS := not medium and not slow
FIRST := outputs/quickstart

.PHONY: setup dev docs quickstart schema test test-medium test-all lint

# --no-compile: Python compiles what is imported, which is a part of what is installed, and saves a minute.
INSTALL = $(PY) -m pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt --editable

setup: .venv/base

# the optional extras, the tests and the linter as well
dev: .venv/dev

$(PY):
	$(PYTHON) -m venv .venv

.venv/base: pyproject.toml constraints.txt | $(PY)
	$(INSTALL) .
	touch $@

.venv/dev: pyproject.toml constraints.txt | $(PY)
	$(INSTALL) ".[dev]"
	touch .venv/base $@

quickstart: setup
	$(PY) train.py experiment=quickstart output_dir=$(FIRST)
	$(PY) predict.py ckpt=$(FIRST)/checkpoints/best.ckpt output=$(FIRST)/upscaled overwrite=true \
	  "input='$$($(PY) -c 'from sr.data.source.sample import Sample; print(Sample(held_out=True).files()[1][0])')'"
	@cat $(FIRST)/table.md
	@echo "side by side (LR, bicubic, SR, HR):"; ls $(FIRST)/images/test/*.png
	@echo "upscaled photo:"; ls $(FIRST)/upscaled/*

test: dev
	OMP_NUM_THREADS=1 $(PY) -m pytest -n 2 --dist worksteal -m "$(TIERS)"

test-medium: dev
	OMP_NUM_THREADS=1 $(PY) -m pytest -n 2 --dist worksteal -m "medium and not slow"

test-all: dev
	OMP_NUM_THREADS=1 $(PY) -m pytest -n 2 --dist worksteal

docs: dev
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build
	@echo "outputs/site/index.html; search needs a server: $(PY) -m http.server --directory outputs/site"

schema: setup
	$(PY) -m sr.schema

lint: dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
