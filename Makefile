# Every target sets up what it needs. STATE and SLOT keep two local regions on one machine apart.
PYTHON ?= python3
STATE ?= .state
SLOT ?= 0
STACK ?= dev

export PATH := $(CURDIR)/.venv/bin:$(PATH)
MOLTGHOST := .venv/bin/moltghost
EDGE := workers/edge
SKILLS := examples/skills/crm
ALONE := tests/e2e tests/infra/local/cluster tests/infra/local/aws tests/components/network/mesh

.PHONY: help setup up down status doctor test lint bench gen check preview image

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: .venv/.done $(EDGE)/node_modules/.done $(SKILLS)/node_modules/.done ## Install the Python and Node packages, as locked

.venv/.done: requirements/bootstrap.txt requirements/dev.txt pyproject.toml
	@echo "→ Python packages"
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@.venv/bin/uv pip sync --python .venv --quiet --require-hashes --compile-bytecode requirements/dev.txt
	@.venv/bin/uv pip install --python .venv --quiet --no-deps --no-build-isolation --editable .
	@touch $@

%/node_modules/.done: %/package-lock.json .venv/.done
	@echo "→ Node packages of $*"
	@cd $* && npm ci --silent
	@touch $@

up: setup ## Bring a region up on this machine and chat with it
	@$(MOLTGHOST) up --state $(STATE) --slot $(SLOT)

down: setup ## Stop and remove everything `up` made
	@$(MOLTGHOST) down --state $(STATE) --slot $(SLOT)

status: setup ## Say what runs and where
	@$(MOLTGHOST) status --state $(STATE) --slot $(SLOT)

doctor: setup ## Say which way each tool comes, and what is missing
	@$(MOLTGHOST) doctor

check: setup ## Check a stack's config without an engine (STACK=dev)
	@$(MOLTGHOST) check $(STACK)

preview: setup ## Show what `up` would change
	@$(MOLTGHOST) preview --state $(STATE) --slot $(SLOT)

image: setup ## Build the images, list what is in them, and check their sizes
	@$(MOLTGHOST) image

gen: setup ## Write the files generated from runtime/contract
	@$(MOLTGHOST) gen

lint: setup ## Check formatting, types, imports and generated files
	@ruff format --check --quiet .
	@ruff check --quiet .
	@mypy
	@lint-imports
	@$(MOLTGHOST) gen --check
	@cd $(EDGE) && npm run --silent lint
	@cd $(SKILLS) && npm run --silent lint

test: lint ## Set up and pass all tests
	@$(MOLTGHOST) prepare --tests
	@cd $(EDGE) && npm test --silent
	@cd $(SKILLS) && npm test --silent
	@pytest $(ALONE) # one after another: what loses packets or time to others has the machine to itself
	@pytest $(ALONE:%=--ignore=%) --numprocesses 2 --dist loadgroup --no-header

bench: setup ## Measure, and print the tables
	@cd $(EDGE) && npm run --silent bench
	@$(MOLTGHOST) prepare
	@python -m tests.bench
