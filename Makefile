# The commands of this project. Each installs what it needs, into .venv in this folder.
#
#   make edit    edit a real photo through the think-edit-reflect loop
#   make test    run all tests
#   make lint    ruff, strict types over all packages
#   make bench   the numbers of docs/performance.md
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
PHOTO ?= examples/photos/coffee.jpg
ASK ?= blur the background and make the cup green

.PHONY: edit test lint format bench clean
.DELETE_ON_ERROR:

.venv/pyvenv.cfg:
	$(PYTHON) -m venv .venv

.venv/embedded: .venv/pyvenv.cfg pyproject.toml constraints.txt
	$(PIP) --editable '.[embedded]'
	touch $@

.venv/dev: .venv/embedded
	$(PIP) --editable '.[analysis,diffusers,embedded,langchain,otel,report,transformers,ui,dev]'
	touch $@

edit: .venv/embedded
	$(BIN)/reasonedit fetch embedded
	$(BIN)/reasonedit edit $(PHOTO) "$(ASK)" --out out

test: .venv/dev
	$(BIN)/reasonedit fetch embedded
	$(BIN)/python -m pytest $(TESTS)

# mypy says how many files it read: it must be all of them, or it has gone blind.
lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m tests.packaging.typecheck

format: .venv/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/dev
	$(BIN)/reasonedit fetch embedded
	$(BIN)/python -m benchmarks.loop
	$(BIN)/python -m benchmarks.startup
	$(BIN)/python -m benchmarks.embedded
	$(BIN)/python -m benchmarks.reasoners
	$(BIN)/python -m benchmarks.traces
	$(BIN)/python -m benchmarks.viewing
	$(BIN)/python -m benchmarks.tools
	$(BIN)/python -m benchmarks.gpu_edit
	$(BIN)/python -m benchmarks.acceptance.run

clean:
	rm -rf .venv build dist out *.egg-info .pytest_cache .mypy_cache .ruff_cache
