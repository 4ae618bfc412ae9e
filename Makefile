# Everything runs in .venv, which is made here from PyPI: no Docker, no AWS account, no Node.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Where `make demo` keeps its records: dynamodb or redis
STORE ?= dynamodb
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PYTHONPATH := tests

.PHONY: demo test prove replay fuzz lint docs bench clean

demo: $(READY)
	@$(BIN)/python examples/demo.py $(STORE)

test: lint
	@$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder

# Every interleaving; `make test` has a part of it. A schedule that fails prints a SEED.
prove: $(READY)
	@$(BIN)/python -m kit.explorer.prove

replay: $(READY)
	@$(BIN)/python -m kit.explorer.prove '$(SEED)'

# Any input: as many as INPUTS says, from a random seed or SEED.
fuzz: $(READY)
	@$(BIN)/python -m kit.fuzz.run $(or $(INPUTS),200000) $(SEED)

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

# The API reference, from the docstrings.
docs: $(READY)
	@PYTHONPATH=constructs:runtime $(BIN)/python docs/reference.py

bench: $(READY)
	@$(BIN)/python -m benchmarks.run

clean:
	rm -rf $(VENV) cdk.out dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(READY): requirements.txt requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say which: make PYTHON=python3.12")'
	@echo "Installing into $(VENV), once ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
