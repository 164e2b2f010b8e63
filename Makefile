# Everything runs in .venv, which the first target that needs it creates.
PYTHON ?= python3
RUN := .venv/bin/
KERNELS := $(wildcard src/patchword/engine/kernels/*)

.PHONY: demo test lint format fuzz sanitize sanitize-thread emulated arm wheels bench clean docs/recipes.md

demo: .venv/patchword          ## train both systems on embedded data and show them working
	$(RUN)patchword demo --out demo

# Modules that are compiled at each import make every process that imports torch twice as slow to begin.
unexport PYTHONDONTWRITEBYTECODE

# Processes of one thread each: what most tests compute is so little that a second thread only waits for the first.
test: .venv/installed          ## the whole test suite
	OMP_NUM_THREADS=1 $(RUN)python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

fuzz: .venv/installed          ## all damaged and hostile files, of which `make test` has a share: hours
	PATCHWORD_FUZZ=whole OMP_NUM_THREADS=1 $(RUN)python -m pytest -n 2 --timeout 0 tests/fuzz \
	  tests/server/test_hostile.py tests/server/test_schema.py tests/converters/test_settings.py

lint: .venv/installed          ## style, types and the layers
	$(RUN)ruff check . && $(RUN)ruff format --check . && $(RUN)mypy && $(RUN)lint-imports
	$(RUN)clang-format --dry-run --Werror $(KERNELS)

format: .venv/installed        ## rewrite the sources in the project's format
	$(RUN)ruff check --fix . && $(RUN)ruff format . && $(RUN)clang-format -i $(KERNELS)

docs/recipes.md: .venv/patchword ## the recipe reference, from the configs
	$(RUN)python -m patchword.recipe_reference > $@.new && mv $@.new $@

# The engine's tests on kernels that were compiled with gcc's sanitizers. Python and torch were not, so the sanitizers'
# libraries are loaded before them. What needs no kernels, or no sanitized ones, is left out.
SANITIZED = -o addopts= -q tests/engine -k "not none and not wheel and not library and not cannot_be_had
LIBRARY = $(shell g++ -print-file-name=$(1))

sanitize: build/address/built  ## the kernels with the address and undefined-behaviour sanitizers
	LD_PRELOAD="$(call LIBRARY,libasan.so) $(call LIBRARY,libstdc++.so)" ASAN_OPTIONS=detect_leaks=0 \
	  PATCHWORD_KERNELS_LIBRARY=$(CURDIR)/build/address/patchword/engine/_kernels.so \
	  OMP_NUM_THREADS=1 $(RUN)python -m pytest -n 2 $(SANITIZED) and not callers"

sanitize-thread: build/thread/built ## the kernels with the thread sanitizer, which wants addresses that are not random
	LD_PRELOAD="$(call LIBRARY,libtsan.so) $(call LIBRARY,libstdc++.so)" TSAN_OPTIONS=ignore_noninstrumented_modules=1 \
	  PATCHWORD_KERNELS_LIBRARY=$(CURDIR)/build/thread/patchword/engine/_kernels.so \
	  setarch -R $(RUN)python -m pytest $(SANITIZED) and not fork"

build/address/built build/thread/built: build/%/built: .venv/installed setup.py $(KERNELS)
	PATCHWORD_SANITIZE=$(subst address,address$(COMMA)undefined,$*) \
	  $(RUN)python setup.py -q build_ext --build-lib build/$* --build-temp build/$*
	touch $@

COMMA := ,

# SIMDe (Debian: libsimde-dev) stands in for the x86 instructions that this processor lacks.
EMULATED := tests/engine/emulated

emulated: build/emulated/built  ## the kernels of all instruction sets, those that this processor lacks by SIMDe
	PATCHWORD_KERNELS_LIBRARY=$(CURDIR)/build/emulated/patchword/engine/_kernels.so \
	  OMP_NUM_THREADS=1 $(RUN)python -m pytest -n 2 -o addopts= -q tests/engine -k "avx512 or avxvnni or (neon and not random_batches)"
	PATCHWORD_KERNELS_LIBRARY=$(CURDIR)/build/emulated/patchword/engine/_kernels.so PATCHWORD_KERNELS=avx512bf16 \
	  OMP_NUM_THREADS=1 $(RUN)python -m pytest -n 2 -o addopts= -q tests/engine/test_recurrent.py tests/engine/test_output.py

build/emulated/built: .venv/installed setup.py $(KERNELS) $(wildcard $(EMULATED)/*)
	PATCHWORD_EMULATED=$(EMULATED) \
	  $(RUN)python setup.py -q build_ext --build-lib build/emulated --build-temp build/emulated
	touch $@

arm: .venv/installed            ## the kernels for 64-bit ARM, in a Python for ARM under qemu; .ci/arm says what it needs
	.ci/arm tests/engine -k "neon and not random_batches"

wheels: .venv/patchword         ## a wheel for each platform, with kernels: five minutes, the first time twenty
	$(INSTALL) ".[wheels]"
	$(RUN)python wheels.py dist

# English sentences, one a line, for `make bench`.
SENTENCES ?= ../shared/data/multi30k/test_2016_flickr.en

bench: .bench/installed        ## speed beside CTranslate2, transformers, onnxruntime and timm, in an environment of its own
	.bench/bin/python benchmarks/translation_peers.py $(SENTENCES)
	.bench/bin/python benchmarks/image_peers.py
	.bench/bin/python benchmarks/users_view.py $(SENTENCES) --extra 8

.bench/installed: pyproject.toml setup.py benchmarks/requirements.txt $(KERNELS)
	$(PYTHON) -m venv .bench
	.bench/bin/pip install --disable-pip-version-check --constraint constraints.txt --requirement benchmarks/requirements.txt --editable ".[train]"
	touch $@

clean:                         ## remove the environment and everything that can be made again
	rm -rf .venv .bench build demo src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Modules are compiled when they are first imported: all of them would take a minute and 250 MB.
INSTALL = $(PYTHON) -m venv .venv && $(RUN)pip install --disable-pip-version-check --no-compile --constraint constraints.txt --editable

# What the demo needs, which is what users need, what serves its models, and what fetches published ones.
.venv/patchword: pyproject.toml setup.py constraints.txt $(KERNELS)
	$(INSTALL) ".[check,hub,serve]"
	touch $@

# And what tests and lint need: the libraries whose checkpoints are read, among them.
.venv/installed: .venv/patchword
	$(INSTALL) ".[dev]"
	touch $@
