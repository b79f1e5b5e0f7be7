# Two commands do everything on a machine with Python 3.11+ and make:
#   make demo    set up, run the suite against a good backend, then show what a failure looks like
#   make test    set up, lint, type-check, check the layers, run the tests
# On Windows without make, see "Without make" in README.md.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
SOURCES := contracts verifier sandbox scenarios tests tools

# Everything here starts hundreds of Python processes: our packages are compiled once, not by each of them.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo test check unit cover prove bench docs lock clean
.DEFAULT_GOAL := help

help:            ## list what can be made
	@grep -E '^[a-z]+: .*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## /  make \1\t/'

demo: $(VENV)/demo.stamp ## set up and run the main job: sandbox, good backend, suite, one failure to look at
	@$(BIN)/coinslot demo

test: check unit ## set up and pass everything: lint, types, layers, tests

check: $(VENV)/test.stamp ## lint, types and layers alone
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(VENV)/test.stamp ## the tests alone
	$(BIN)/pytest -n 4 --dist worksteal -m "not thorough" $(PYTEST_ARGS)

cover: $(VENV)/test.stamp ## branch coverage of contracts and verifier by their own tests; fails under 100 %
	@$(BIN)/python tools/run_coverage.py $(PYTEST_ARGS)

prove: $(VENV)/test.stamp ## what takes long, in parts that can be resumed: kill series, replays, every story, mutants
	@$(BIN)/pytest -n 4 --dist worksteal -m thorough --junitxml=.prove/junit.xml $(PYTEST_ARGS); stories=$$?; \
	  $(BIN)/python tools/run_coverage.py; branches=$$?; \
	  $(BIN)/python tools/run_mutants.py; mutants=$$?; \
	  $(BIN)/python tools/write_proof.py && exit $$((stories + branches + mutants))

bench: $(VENV)/test.stamp ## measure speed against the limit and against peers; takes minutes, best on a quiet machine
	PYTHONPATH=tests $(BIN)/python tests/bench $(BENCH)

docs: $(VENV)/test.stamp ## write the pages that are made from the code
	$(BIN)/python tools/make_control_page.py
	$(BIN)/python tools/make_words_page.py
	$(BIN)/python tools/make_errors_page.py
	$(BIN)/python tools/make_ledger_page.py

$(VENV)/python.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is older than 3.11; name a newer one: make PYTHON=python3.12 <target>" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "no virtual environment could be made; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 2; }
	@touch $@

# Hashed requirements and an editable project cannot share one pip call, hence two.
$(VENV)/%.stamp: constraints/%.txt pyproject.toml $(VENV)/python.stamp
	@echo "installing what 'make $*' needs into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints/$*.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

lock:            ## write the hashed constraints anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --no-emit-find-links --all-extras --group dev --group build -o constraints/test.txt pyproject.toml
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --no-emit-find-links --extra demo --group build -c constraints/test.txt --no-annotate \
	  -o constraints/demo.txt pyproject.toml

clean:           ## remove the virtual environment and what the tools left
	rm -rf $(VENV) .prove .mypy_cache .ruff_cache .hypothesis .import_linter_cache coinslot-report
