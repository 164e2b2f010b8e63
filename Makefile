# Everything runs in .venv, which the first target that needs it creates.
PYTHON ?= python3
RUN := .venv/bin/
KERNELS := $(wildcard src/patchword/engine/kernels/*)

.PHONY: demo test lint format bench clean

demo: .venv/installed          ## train both systems on embedded data and show them working
	$(RUN)patchword demo --out demo

test: .venv/installed          ## the whole test suite
	$(RUN)python -m pytest

lint: .venv/installed          ## style, types and the layers
	$(RUN)ruff check . && $(RUN)ruff format --check . && $(RUN)mypy && $(RUN)lint-imports
	$(RUN)clang-format --dry-run --Werror $(KERNELS)

format: .venv/installed        ## rewrite the sources in the project's format
	$(RUN)ruff check --fix . && $(RUN)ruff format . && $(RUN)clang-format -i $(KERNELS)

# English sentences, one a line, for `make bench`.
SENTENCES ?= ../shared/data/multi30k/test_2016_flickr.en

bench: .bench/installed        ## speed beside CTranslate2, transformers, onnxruntime and timm, in an environment of its own
	.bench/bin/python benchmarks/translation_peers.py $(SENTENCES)
	.bench/bin/python benchmarks/image_peers.py

.bench/installed: pyproject.toml benchmarks/requirements.txt $(KERNELS)
	$(PYTHON) -m venv .bench
	.bench/bin/pip install --disable-pip-version-check --constraint constraints.txt --requirement benchmarks/requirements.txt --editable .
	touch $@

clean:                         ## remove the environment and everything that can be made again
	rm -rf .venv .bench build demo src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

.venv/installed: pyproject.toml constraints.txt $(KERNELS)
	$(PYTHON) -m venv .venv
	$(RUN)pip install --disable-pip-version-check --constraint constraints.txt --editable ".[dev]"
	touch $@
