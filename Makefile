# bedtick: `make demo` and `make test` do everything; each says what it does and reuses what is there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SEED ?= 1
# Real recordings, where the machine has them; tests that need them say so when they skip.
BEDTICK_DATA ?= $(wildcard $(CURDIR)/../shared/data)
export BEDTICK_DATA
TRUE_SPEED := benchmarks/real_time.py benchmarks/ioctl_cost.py

.PHONY: help demo test lint test-long bench bench-detector bench-real-time clean

help:
	@echo "make demo       record an emulated night and show its summary (SEED=7 for another one)"
	@echo "make test       check the code and run the tests"
	@echo "make test-long  run the long campaigns whole"
	@echo "make bench      measure speed and memory side by side with what else there is"
	@echo "make bench-detector  the detector beside STA/LTA over 200 synthetic night-hours (about ten minutes)"
	@echo "make bench-real-time  the daemon at true speed: delay, processor, memory (twenty minutes)"
	@echo "make clean      remove the virtual environment and what tools left"

demo: $(VENV)/bedtick.stamp
	@echo "== an emulated night, through chip, bus, daemon, detector and database"
	@$(BIN)/bedtick demo --seed $(SEED)

test: lint
	@echo "== tests (BEDTICK_DATA=$(BEDTICK_DATA))"
	@$(BIN)/python -m pytest -n 2 -m "not long"

lint: $(VENV)/developer.stamp
	@echo "== ruff, mypy, codespell"
	@$(BIN)/ruff check -q
	@$(BIN)/ruff format -q --check
	@$(BIN)/mypy
	@$(BIN)/codespell firmware logger analysis systemd tests docs benchmarks README.md CHANGELOG.md Makefile

test-long: $(VENV)/developer.stamp
	@echo "== long campaigns (BEDTICK_DATA=$(BEDTICK_DATA))"
	@$(BIN)/python -m pytest -n 2 -m long

bench: $(VENV)/bench.stamp
	@for script in $(filter-out $(TRUE_SPEED),$(wildcard benchmarks/*.py)); do echo "== $$script"; $(BIN)/python $$script || exit 1; done

bench-real-time: $(VENV)/bench.stamp
	@echo "== the daemon at true speed for ten minutes, then on a device file for a minute a chip"
	@for script in $(TRUE_SPEED); do $(BIN)/python $$script || exit 1; done

bench-detector: $(VENV)/bench.stamp
	@echo "== the detector bench (BEDTICK_DATA=$(BEDTICK_DATA))"
	@$(BIN)/python benchmarks/detector/run.py --markdown docs/detector-bench.md --picture docs/detector-bench.svg

# The stamp is newer than pyproject.toml: the environment holds what it asks for.
$(VENV)/bedtick.stamp: pyproject.toml
	@echo "== making the virtual environment $(VENV) and installing bedtick into it (once; some minutes on a slow line)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "bedtick needs Python 3.11 or newer, not %d.%d: set PYTHON=" % sys.version_info[:2])'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "no virtual environment: install python3-venv" >&2; rm -rf $(VENV); exit 1; }
	@$(BIN)/python -m pip install -q --disable-pip-version-check --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e .
	@echo "== compiling the detector (once)"
	@$(BIN)/python -c 'from bedtick.logger.detector.compiled import load_kernel; load_kernel()'
	@touch $@

$(VENV)/developer.stamp: $(VENV)/bedtick.stamp
	@echo "== installing the tools for tests"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --group dev
	@touch $@

$(VENV)/bench.stamp: $(VENV)/developer.stamp
	@echo "== installing what the detector bench compares with"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --group bench
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
