# Everything a person or CI runs, each in one word. Needs python3 (3.10-3.12) and make, nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TOOLS := $(VENV)/.tools

# Some machines switch it on: then each of the tests' many processes would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test coverage release-test bench check audit format lock notices docs notebook terminal weights wheel sbom samples clean

demo: $(READY)
	$(BIN)/emoview analyze samples/portrait.mp4 -o demo-results
	@echo "The results are in demo-results: portrait.csv (one row a tick) and portrait.json."

# In two processes: most tests keep one core busy.  Linear algebra on two threads each would make them wait
# for each other.
test coverage: export OMP_NUM_THREADS = 1
test coverage: export OPENBLAS_NUM_THREADS = 1
test coverage: export TF_NUM_INTRAOP_THREADS = 1
test coverage: export TF_NUM_INTEROP_THREADS = 1
test: $(TOOLS)
	$(BIN)/python -m pytest -n 2 --dist worksteal

# What the tests run of the package, by lines and branches.
coverage: $(TOOLS)
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest -n 2 --dist worksteal
	$(BIN)/python -m coverage combine -q
	$(BIN)/python -m coverage report

release-test: $(TOOLS)
	$(BIN)/python -m pytest -m release

# Ten minutes on an idle machine; benchmarks/README.md.
bench: $(TOOLS)
	$(BIN)/python -m benchmarks

check: $(TOOLS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@$(BIN)/python -m tools.audit

# Known vulnerabilities of what is locked; without a network it only says so.
audit: $(TOOLS)
	$(BIN)/python -m tools.audit

format: $(TOOLS)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The locks name hashes and no index; they hold for every supported Python on Linux x86-64.
lock: $(TOOLS)
	uv pip compile --universal --generate-hashes --python 3.10 --extra dev pyproject.toml -o requirements-dev.lock -q
	$(BIN)/python -m tools.locks

# The packages and their licences, after `make lock`.
notices: $(TOOLS)
	$(BIN)/python -m tools.notices

# The documentation as a site; a broken link fails.
docs: $(TOOLS)
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python -m tools.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict -f docs/mkdocs.yml
	@echo "The documentation is in site/: open site/index.html."

# Runs the example notebook and stores its outputs.
notebook: $(TOOLS)
	$(BIN)/python -m tools.notebook

# Draws the README's terminal anew, with Chromium.
terminal: $(TOOLS)
	$(BIN)/python -m tools.terminal

# Trains what ships, from labelled data in DATA (docs/training.md). Hours on a processor.
DATA ?= data
weights: $(READY)
	$(BIN)/emoview train face --data $(DATA)
	$(BIN)/emoview train voice --data $(DATA)
	$(BIN)/emoview train fusion --data $(DATA)

# The time of the commit stands for that of the build, so that one commit gives one wheel, byte for byte.
wheel sbom: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 1577836800)

wheel: $(TOOLS)
	$(BIN)/python -m pip -q --disable-pip-version-check wheel --no-deps --no-build-isolation -w dist .
	@sha256sum dist/emoview-*.whl

sbom: $(TOOLS)
	$(BIN)/python -m tools.sbom dist/emoview.cdx.json

samples: $(TOOLS)
	$(BIN)/python samples/make_samples.py

clean:
	rm -rf $(VENV) dist build site demo-results benchmark-results

# Without compiling everything: Python compiles what is used.  Headers of TensorFlow's are for operations in C++.
INSTALL := $(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-compile

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 10) <= v <= (3, 12) else \
	  "emoview runs on Python 3.10 to 3.12, this is %d.%d: call make PYTHON=python3.11, say" % v)'
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --require-hashes -r requirements.lock
	rm -rf $(VENV)/lib/python3*/site-packages/tensorflow/include
	$(INSTALL) --no-build-isolation -e .
	@touch $@

$(TOOLS): requirements-dev.lock $(READY)
	$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@
