# `make help` prints this list. Everything is installed into .venv, .venv-s3, .venv-roboflow, .venv-supervisely and node_modules; nothing outside but
# `make test`, which may install Debian's chromium and postgresql (as root, when they are missing).
.DEFAULT_GOAL := help
SHELL := bash
PY := .venv/bin/python
HOST ?= 127.0.0.1
PORT ?= 8080
ARGS ?=
export PYTHONPATH := src:.

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s "$$(printf '\t')"

install: ## the server's packages, the help while drawing and the built editor
	@scripts/setup base assist editor

run: install ## serve on http://127.0.0.1:8080 with a demo workspace
	@exec $(PY) -m labelwright.cli serve --demo --host $(HOST) --port $(PORT)

setup: ## everything that the tests need
	@scripts/setup system base assist dev s3 roboflow supervisely editor

test: setup ## every check there is: style, types, import rules, the editor's tests, the test suite on both databases
	@scripts/check

lint: ## style, types and import rules only
	@scripts/setup base dev
	@scripts/check lint

format: ## put the sources into the project's format
	@$(PY) -m ruff check -q --fix . || true
	@$(PY) -m ruff format -q .

migration: ## write a migration: NAME=what_changes (NAME=first rewrites the first one)
	@$(PY) scripts/make_migration.py $(NAME)

pictures: setup ## retake the pictures of docs/editor.md; ARGS=names of scenes
	@PYTHONPATH=src:. $(PY) scripts/make_editor_pictures.py $(ARGS)

bench: setup ## measure and print our speed beside the peers' figures; ARGS=names of benchmarks
	@$(PY) -m benchmarks $(ARGS)

bench-peers: setup ## the same for us and Label Studio side by side, in one run; ARGS=names of benchmarks
	@scripts/setup peers
	@$(PY) -m benchmarks.peers $(ARGS)

pins: ## write requirements/*.txt anew from pyproject.toml
	uv pip compile -q --upgrade --universal --python-version 3.11 --no-header --no-annotate pyproject.toml -o requirements/base.txt
	uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate -c requirements/base.txt --extra assist pyproject.toml -o requirements/assist.txt
	uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate -c requirements/base.txt --group dev pyproject.toml -o requirements/dev.txt
	uv pip compile -q --upgrade --universal --python-version 3.11 --no-header --no-annotate requirements/s3-server.in -o requirements/s3-server.txt
	uv pip compile -q --upgrade --universal --python-version 3.11 --no-header --no-annotate requirements/roboflow.in -o requirements/roboflow.txt
	uv pip compile -q --upgrade --universal --python-version 3.11 --no-header --no-annotate requirements/peers.in -o requirements/peers.txt
	uv pip compile -q --upgrade --universal --python-version 3.11 --no-header --no-annotate --override requirements/supervisely-without.txt requirements/supervisely.in -o requirements/supervisely.txt

.PHONY: help install run setup test lint format migration bench bench-peers pins
