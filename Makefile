# make quickstart   train, test and upscale with a small network, in minutes
# make test         the fast tests        make test-medium   those of seconds      make test-all   everything      make lint
PYTHON ?= python3
PY := .venv/bin/python
FIRST := outputs/quickstart

.PHONY: setup quickstart test test-medium test-all lint

setup: .venv/ready

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev]"
	touch $@

quickstart: setup
	$(PY) train.py experiment=quickstart output_dir=$(FIRST)
	$(PY) predict.py ckpt=$(FIRST)/checkpoints/best.ckpt output=$(FIRST)/upscaled overwrite=true \
	  "input='$$($(PY) -c 'from sr.data.source.sample import Sample; print(Sample(held_out=True).files()[1][0])')'"
	@cat $(FIRST)/table.md
	@echo "side by side (LR, bicubic, SR, HR):"; ls $(FIRST)/images/test/*.png
	@echo "upscaled photo:"; ls $(FIRST)/upscaled/*

test: setup
	OMP_NUM_THREADS=1 $(PY) -m pytest -n 2 --dist worksteal -m "not medium and not slow"

test-medium: setup
	OMP_NUM_THREADS=1 $(PY) -m pytest -n 2 --dist worksteal -m "medium and not slow"

test-all: setup
	OMP_NUM_THREADS=1 $(PY) -m pytest -n 2 --dist worksteal

lint: setup
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
