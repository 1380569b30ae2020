# Every command of this repository. `make help` lists them; workflows call nothing else.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --warn-undefined-variables

SERVICES := BankChurn-Predictor
LIBS := pinproof servicekit
# Documents with blocks that `make docs` generates.
GENERATED_DOCS := README.md BankChurn-Predictor/README.md BankChurn-Predictor/MODEL_CARD.md

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
	@printf 'Usage: make TARGET [PYTHON=python3.12]\n\n'
	@sed -nE 's/^([a-zA-Z_%-]+):.*## (.*)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) \
		| while IFS=$$'\t' read -r target text; do printf '  %-16s %s\n' "$${target/\%/NAME}" "$$text"; done
	@printf '\nNAME is one of: %s %s\n' "$(LIBS)" "$(SERVICES)"

# ---- Use it ----

.PHONY: demo
demo: check-pins $(SERVICES:%=demo-%) ## Check the pins, then train, seal, serve and query every service on sample data

demo-%: %/.venv/.installed
	@$*/.venv/bin/python tools/demo.py $*

train-%: %/.venv/.installed ## Train and seal one service's model on sample data
	cd $* && .venv/bin/python -m $(patsubst $*/src/%/cli.py,%,$(wildcard $*/src/*/cli.py)) train

.PHONY: train-all
train-all: $(SERVICES:%=train-%) ## Train and seal every service's model on sample data

# ---- Test and check ----

.PHONY: test-all
test-all: $(LIBS:%=test-%) $(SERVICES:%=test-%) ## Test every library and service

$(LIBS:%=test-%): test-%: libs/%/.venv/.installed
	libs/$*/.venv/bin/python -m pytest libs/$*

test-%: %/.venv/.installed ## Test one library or service
	$*/.venv/bin/python -m pytest $*

# Proofs of single upgrades take an environment and a training each, too long for every run.
.PHONY: test-nightly
test-nightly: $(SERVICES:%=%/.venv/.installed) ## Run the tests that are left out by day: upgrades, each in an environment of its own
	BankChurn-Predictor/.venv/bin/python -m pytest BankChurn-Predictor -m nightly

.PHONY: check check-format check-lint check-types check-pins check-imports check-docs check-workflows
check: check-format check-lint check-types check-pins check-imports check-docs check-workflows ## Format, lint, types, pins, imports, generated documentation and workflows

check-format: .tools/check/.installed
	$(TOOLS)/ruff format --check --quiet .

check-lint: .tools/check/.installed
	$(TOOLS)/ruff check --quiet .

check-types: $(PROJECTS:%=check-types-in-%)

$(PROJECTS:%=check-types-in-%): check-types-in-%: %/.venv/.installed .tools/check/.installed
	$(TOOLS)/mypy --cache-dir $*/.mypy_cache --python-executable $*/.venv/bin/python $*/src $*/tests

check-pins: libs/pinproof/.venv/.installed ## Check every pin of the repository
	libs/pinproof/.venv/bin/pinproof check

.PHONY: sync-pins
sync-pins: libs/pinproof/.venv/.installed $(UV) ## Pin everything that the pins of each service lead to
	libs/pinproof/.venv/bin/pinproof sync --uv $(UV)

WORKFLOWS = $(wildcard .github/workflows/*.yml .github/workflows/*.yaml)

check-workflows: .tools/check/.installed ## Check workflows, actions, the update bot's settings and the pre-commit hook
	$(if $(WORKFLOWS),$(TOOLS)/check-jsonschema --quiet --builtin-schema vendor.github-workflows $(WORKFLOWS))
	$(TOOLS)/check-jsonschema --quiet --builtin-schema vendor.github-actions .github/actions/*/action.yml
	$(TOOLS)/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	$(TOOLS)/pre-commit validate-manifest .pre-commit-hooks.yaml
	$(TOOLS)/zizmor --offline --quiet .github

.PHONY: outdated audit
outdated: libs/pinproof/.venv/.installed ## List what is newer inside and outside each pin; asks the index
	libs/pinproof/.venv/bin/pinproof outdated

audit: libs/pinproof/.venv/.installed ## Find advisories for what the pins admit; asks the index and OSV
	libs/pinproof/.venv/bin/pinproof audit

.PHONY: prove-pins trial
prove-pins: $(SERVICES:%=prove-pins-in-%) ## Prove both ends of every service's pins, on each supported Python; writes reports/pins

$(SERVICES:%=prove-pins-in-%): prove-pins-in-%: libs/pinproof/.venv/.installed $(UV)
	libs/pinproof/.venv/bin/pinproof prove $* --uv $(UV)

SERVICE ?= BankChurn-Predictor
PIN ?=
trial: libs/pinproof/.venv/.installed $(UV) ## Tell what an upgrade would do [SERVICE=NAME] PIN='numpy~=2.4.0'; writes reports/trials
	libs/pinproof/.venv/bin/pinproof trial $(SERVICE) $(foreach pin,$(PIN),'$(pin)') --uv $(UV)

.PHONY: check-hook
check-hook: .tools/check/.installed ## Install the pre-commit hook as another repository would, and run it here
	PRE_COMMIT_HOME=$(CURDIR)/.tools/pre-commit $(TOOLS)/pre-commit try-repo . pinproof-check --all-files

check-imports: $(PROJECTS:%=check-imports-in-%)

$(PROJECTS:%=check-imports-in-%): check-imports-in-%: %/.venv/.installed .tools/check/.installed
	@cd $* && echo "deptry $*" && PYTHONPATH="$$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
		"$(CURDIR)/$(TOOLS)/deptry" src

check-docs: .tools/check/.installed $(PROJECTS:%=%/.venv/.installed)
	$(TOOLS)/cog --check --diff $(GENERATED_DOCS)

.PHONY: format docs
format: .tools/check/.installed ## Format the code, and mend what the linter can
	$(TOOLS)/ruff check --quiet --fix .
	$(TOOLS)/ruff format --quiet .

docs: .tools/check/.installed $(PROJECTS:%=%/.venv/.installed) ## Regenerate what documents quote from results and --help
	$(TOOLS)/cog -r $(GENERATED_DOCS)

# ---- Measure ----

.PHONY: bench
bench: bench-BankChurn-Predictor ## Measure speed beside the alternatives; writes bench/results

bench-BankChurn-Predictor: BankChurn-Predictor/.venv/.installed
	BankChurn-Predictor/.venv/bin/python bench/bench_bankchurn.py --out bench/results/bankchurn.json

.PHONY: clean
clean: ## Remove environments, caches and everything the services wrote
	rm -rf .tools .cache reports .mypy_cache .ruff_cache $(foreach p,$(PROJECTS),$(addprefix $(p)/,.venv .mypy_cache .pytest_cache .hypothesis models data reports src/*.egg-info))

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
$(1)/.venv/.installed: $$(wildcard $(1)/requirements-*.txt) $(1)/pyproject.toml $$(LIB_FILES) $$(UV)
	@echo "Setting up $(1)/.venv"
	@$$(UV) venv --quiet --clear --python $$(PYTHON) $(1)/.venv
	@$$(UV) pip install --quiet --python $(1)/.venv/bin/python -r $(1)/requirements-dev.txt \
		$(2:%=-e libs/%) -e $(1)
	@touch $$@
endef
$(eval $(call environment,libs/pinproof,))
$(eval $(call environment,libs/servicekit,pinproof))
$(foreach s,$(SERVICES),$(eval $(call environment,$(s),pinproof servicekit)))
