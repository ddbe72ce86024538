# Two commands do everything on a machine that has Python 3.11 or newer: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test browser fuzz pictures bench accuracy faults laws postgres lock clean

demo: .venv
	@$(BIN)/salesledger demo

test: .venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2 --dist worksteal

# The page in a real Chromium: that of $CHROMIUM, else the one on the PATH, else Debian's, which is installed.
browser: .venv
	tests/browser/chromium.sh
	SALESLEDGER_BROWSER=1 $(BIN)/pytest tests/browser

# The pictures in docs/pictures, taken anew.
pictures: .venv
	tests/browser/chromium.sh
	cd tests && ../$(BIN)/python -m browser.pictures

# EXAMPLES random requests to the HTTP API; `make test` tries the same few each time.
fuzz: .venv
	HYPOTHESIS_PROFILE=soak HYPOTHESIS_EXAMPLES=$(EXAMPLES) $(BIN)/pytest tests/web/test_fuzz.py

# The environment, pinned and checked by hash. The stamp makes a changed lock or pyproject rebuild it.
.venv: .venv/.stamp
.venv/.stamp: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q src
	@touch .venv/.stamp

bench: .venv
	$(BIN)/python -m benchmarks

# Forecasts against the best possible, on made-up firms; what has been played is kept in $SALESLEDGER_SIMULATIONS. Takes hours the first
# time; ACCURACY="--preset large --seeds 3" takes minutes.
ACCURACY ?= --seeds 10 --fifty 50 --jobs 2
accuracy: .venv
	$(BIN)/python -m benchmarks accuracy $(ACCURACY)

# What the ledger goes through in docs/reliability.md, at length; FAULTS="kills power" runs some of it.
faults: .venv
	cd tests && ../$(BIN)/python -m faults $(FAULTS)

# The laws on new random journeys, EXAMPLES of each; `make test` tries the same few each time.
EXAMPLES ?= 500
laws: .venv
	HYPOTHESIS_PROFILE=soak HYPOTHESIS_EXAMPLES=$(EXAMPLES) $(BIN)/pytest -n 2 --dist worksteal tests/laws

# Everything on PostgreSQL: all golden outputs, and EXAMPLES random journeys recorded there and in a file.
postgres: .venv
	SALESLEDGER_TEST_ALL=1 HYPOTHESIS_PROFILE=soak HYPOTHESIS_EXAMPLES=$(EXAMPLES) $(BIN)/pytest -n 2 --dist worksteal \
		tests/ledger/test_postgres.py tests/ledger/test_postgres_place.py tests/laws/test_postgres.py tests/cli/test_golden_postgres.py

# Pins with hashes and without any download address.
lock: .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-annotate --no-header --group dev --output-file requirements.lock pyproject.toml

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
