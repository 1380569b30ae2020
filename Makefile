# Every command of this repository. `make help` lists them; workflows call nothing else.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --warn-undefined-variables

SERVICES := BankChurn-Predictor
LIBS := pinproof servicekit
PROJECTS := $(LIBS:%=libs/%) $(SERVICES)

# The interpreter that every environment is made from: 3.11 or 3.12.
PYTHON ?= python3
UV := .tools/uv/bin/uv
TOOLS := .tools/check/bin

# Never fetch an interpreter unasked. pip's folder of local wheels, where one is configured, is uv's too.
export UV_PYTHON_DOWNLOADS := never
PIP_FIND_LINKS ?=
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
export UV_NO_PROGRESS := 1

.PHONY: help
help: ## Show this list
	@printf 'Usage: make TARGET\n\n'
	@grep -hE '^[a-zA-Z%<>_-]+:.*## ' $(MAKEFILE_LIST) \
		| awk -F ':.*## ' '{printf "  \033[36m%-28s\033[0m %s\n", $$1, $$2}'

# ---- Environments: file targets, so that any target bootstraps what it needs ----

$(UV): tools/requirements-uv.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if v in ((3, 11), (3, 12)) else \
		f"make: {sys.executable} is Python {v[0]}.{v[1]}; this repository needs 3.11 or 3.12: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv --clear .tools/uv
	.tools/uv/bin/pip install --quiet --disable-pip-version-check -r tools/requirements-uv.txt
	@touch $@

.tools/check/.installed: tools/requirements-check.txt $(UV)
	$(UV) venv --quiet --clear --python $(PYTHON) .tools/check
	$(UV) pip install --quiet --python .tools/check/bin/python -r $<
	@touch $@

LIB_FILES = $(wildcard libs/*/pyproject.toml libs/*/requirements-prod.txt)

# A project's environment: its development requirements, and itself and the libraries in place.
define environment
$(1)/.venv/.installed: $(1)/requirements-prod.txt $(1)/requirements-dev.txt $(1)/pyproject.toml $$(LIB_FILES) $$(UV)
	@echo "Setting up $(1)/.venv"
	@$$(UV) venv --quiet --clear --python $$(PYTHON) $(1)/.venv
	@$$(UV) pip install --quiet --python $(1)/.venv/bin/python -r $(1)/requirements-dev.txt \
		$(2:%=-e libs/%) -e $(1)
	@touch $$@
endef
$(eval $(call environment,libs/pinproof,))
$(eval $(call environment,libs/servicekit,pinproof))
$(foreach s,$(SERVICES),$(eval $(call environment,$(s),pinproof servicekit)))
