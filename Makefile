# The two commands a newcomer needs are `make run` and `make test`; everything else is part of them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOME_DIR ?= home
STAMP := $(VENV)/.installed

.PHONY: run test coverage ui-check lint lock clean

run: $(STAMP)
	$(BIN)/allocator demo --home $(HOME_DIR)

# The files of tests/dbt and tests/e2e, the longest, come first, so that no worker is left with one of them at the end.
test: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# What the tests in one process reach; runs of the command itself are not traced.
coverage: $(STAMP)
	$(BIN)/python -m pytest --cov --cov-report=term:skip-covered -n 2 --dist loadfile

ui-check: $(STAMP)
	$(BIN)/python -m tests.ui_check

lint: $(STAMP)
	$(BIN)/ruff check .

# Installation ends with warm kernels and a parsed dbt project, so that the first run pays for neither.
$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 run")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m orchestration.warm_up
	touch $(STAMP)

# For maintainers: resolve the lock anew (needs uv).
lock:
	uv pip compile --universal --generate-hashes --no-header --no-emit-index-url --no-annotate \
		--python-version 3.11 --extra test pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) .cache dbt_project/target dbt_project/logs
