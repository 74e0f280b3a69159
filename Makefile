# Tongban. `make` lists what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
PYTHON := .venv/bin/python
WORKERS ?= 4# the tests mostly wait: for wires, for processes, for deadlines
VISITS := $(wildcard tests/visits/*.yaml)
COMPILE := pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --python-version 3.11

.PHONY: help setup run test check visits bench soak faults lock goldens clean

help: ## list what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{ printf "  make %-9s %s\n", $$1, $$2 }'

setup: ## install everything (Debian 12; asks for root only for missing system packages)
	@packaging/setup.sh

run: setup ## run the demo: a window where there is a display, else a played visit with pictures
	@if [[ -n "$${DISPLAY:-}$${WAYLAND_DISPLAY:-}" ]]; then \
		exec $(PYTHON) main.py --profile demo --windowed; \
	else \
		echo "No display: playing a visit offscreen (tests/visits/certificate.yaml)"; \
		$(PYTHON) main.py --profile demo --play tests/visits/certificate.yaml --out out/certificate; \
		echo "Pictures of every view: out/certificate/screens/  Certificate: out/certificate/world/prints/  Report: out/certificate/report.json"; \
	fi

test: setup ## run the tests
	@$(PYTHON) -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder

check: setup ## style, types, layers, QML, generated documents
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@$(PYTHON) packaging/qml_check.py
	@$(PYTHON) -m kiosk.docs --check

visits: setup ## play every visit on the whole terminal; what each leaves is in out/
	@failed=0; \
	for file in $(VISITS); do \
		name=$$(basename $$file .yaml); \
		$(PYTHON) main.py --profile demo --play $$file --out out/$$name || failed=1; \
	done; \
	exit $$failed

bench: setup ## queue and devices against peers and physics (an hour; QUICK=1: minutes), kept in docs/benchmarks*.md
	@$(PYTHON) -m pip --disable-pip-version-check -qq install --require-hashes -r packaging/locks/bench.txt
	@$(PYTHON) -m benchmarks $(if $(QUICK),--quick)
	@$(PYTHON) -m benchmarks.devices $(if $(QUICK),--quick)

soak: setup ## cut the power 100,000 times on rebuilt disks (N= cuts, SEED= first day; one cut again: SCENARIO= SEED= CUT=)
	@$(PYTHON) -m tests.cuts.soak $(if $(N),--cuts $(N)) $(if $(SEED),--seed $(SEED)) \
		$(if $(SCENARIO),--scenario $(SCENARIO)) $(if $(CUT),--cut $(CUT))

faults: setup ## break everything at every moment: the whole fault matrix (one again: CELL= or SEED=; PAIRS= how many)
	@$(PYTHON) -m tests.faults $(if $(CELL),--cell '$(CELL)') $(if $(SEED),--seed $(SEED)) $(if $(PAIRS),--pairs $(PAIRS))

lock: ## compile the locks anew from pyproject.toml
	@python3 -m venv build/lock-tool
	@build/lock-tool/bin/pip install --quiet uv
	@build/lock-tool/bin/uv $(COMPILE) --all-extras pyproject.toml --output-file packaging/locks/all.txt
	@build/lock-tool/bin/uv $(COMPILE) --group bench --output-file packaging/locks/bench.txt
	@build/lock-tool/bin/uv $(COMPILE) --no-deps packaging/locks/no-deps.in --output-file packaging/locks/no-deps.txt

goldens: setup ## draw the reference pictures of the screens anew
	@$(PYTHON) -m screens.gallery --update-goldens

clean: ## remove what was built, keep the environment and the portraits
	@rm -rf out build/demo build/lock-tool .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
