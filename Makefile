# Every command of this repository. `make help` lists them; workflows call nothing else.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --warn-undefined-variables

# A service is a folder with a service.toml; a library is a folder of libs/.
SERVICES := $(patsubst %/service.toml,%,$(wildcard */service.toml))
LIBS := $(patsubst libs/%/pyproject.toml,%,$(wildcard libs/*/pyproject.toml))
# requirements-NAME.txt of a service, other than prod and dev, are packages that some work needs:
# `make NAME-env-SERVICE` adds them to its environment.
EXTRAS := $(filter-out %-prod.txt %-dev.txt,$(wildcard $(SERVICES:%=%/requirements-*.txt)))
# Documents with blocks that `make docs` generates.
GENERATED_DOCS = $(shell git grep --files-with-matches --fixed-strings '[[[cog' -- '*.md')

PROJECTS := $(LIBS:%=libs/%) $(SERVICES) lab

# The interpreter that every environment is made from: 3.11 or 3.12. The last one that was named is
# remembered until `make clean`.
ifeq ($(origin PYTHON),undefined)
PYTHON := $(or $(shell cat .tools/interpreter 2>/dev/null),python3)
endif
UV := .tools/uv/bin/uv
TOOLS := .tools/check/bin

# Never fetch an interpreter unasked. pip's folder of local wheels, where one is configured, is uv's too.
export UV_PYTHON_DOWNLOADS := never
PIP_FIND_LINKS ?=
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
export UV_NO_PROGRESS := 1
# Where the home folder cannot be written, uv keeps its downloads here.
ifeq ($(shell mkdir -p "$${XDG_CACHE_HOME:-$$HOME/.cache}" 2>/dev/null && test -w "$${XDG_CACHE_HOME:-$$HOME/.cache}" && echo yes),)
export UV_CACHE_DIR ?= $(CURDIR)/.cache/uv
endif

# Trainings and challenges are recorded, but not those of demonstrations, proofs and tests.
unexport MLFLOW_TRACKING_URI
MLFLOW_TRACKING_URI ?=
train-% challenge-% track-champion: export MLFLOW_TRACKING_URI := $(MLFLOW_TRACKING_URI)

# The targets that people need first.
FIRST := demo test-all check loop up down smoke format help new-service
FIRST += own # only cloud: template

##@ use
.PHONY: help
help: ## Show this list
	@"$(PYTHON)" tools/help.py "$(FIRST)" "$(SERVICES)" "$(LIBS)" $(MAKEFILE_LIST)

.PHONY: demo
demo: check-pins $(SERVICES:%=demo-%) ## Check the pins; train, seal, serve and query every service on sample data

demo-%: %/.venv/.installed ## Train, seal, serve and query one service on sample data
	@$*/.venv/bin/python tools/demo.py $*

train-%: %/.venv/.installed ## Train and seal one service's model on sample data
	cd $* && .venv/bin/python -m $(patsubst $*/src/%/__main__.py,%,$(wildcard $*/src/*/__main__.py)) train

# Folder of the sealed model that is in use; options of the service's `train`; address that a promoted
# challenger will have, for the patch of deploy/clusters/CLUSTER.toml.
CHAMPION ?=
TRAIN ?=
URI ?=
.PHONY: $(SERVICES:%=challenge-%)
$(SERVICES:%=challenge-%): challenge-%: %/.venv/.installed libs/modelwatch/.venv/.installed ## Train a challenger and compare it with the champion DATA=FILE [CHAMPION=FOLDER] [CLUSTER=NAME URI=s3://…] [TRAIN='--seed 7']
	$(call named,DATA,table with outcomes)
	@libs/modelwatch/.venv/bin/modelwatch challenge $* --data "$(DATA)" --out reports/challenges/$* \
		--champion "$(or $(CHAMPION),$*/models/$(patsubst $*/src/%/__main__.py,%,$(wildcard $*/src/*/__main__.py)))" \
		$(if $(URI),--uri "$(URI)" --release "deploy/clusters/$(CLUSTER).toml") $(if $(TRAIN),-- $(TRAIN))

.PHONY: track-champion
track-champion: libs/modelwatch/.venv/.installed ## After a deployment: give MLflow's alias champion to the models of a cluster CLUSTER=NAME
	$(known_cluster)
	@libs/modelwatch/.venv/bin/modelwatch track-champion "deploy/clusters/$$CLUSTER.toml"

.PHONY: train-all
train-all: $(SERVICES:%=train-%) ## Train and seal every service's model on sample data

##@ own
# begin cloud: template
.PHONY: own
own: .tools/check/.installed ## Make the repository a company's own; asks [ORGANIZATION=NAME REPOSITORY=ADDRESS DOMAIN=NAME CONTACT=MAIL TEAM=@OWNER CLOUDS="gcp aws" LICENCE=apache]
	@"$(PYTHON)" tools/own.py --organization "$${ORGANIZATION:-}" --repository "$${REPOSITORY:-}" --domain "$${DOMAIN:-}" \
		--contact "$${CONTACT:-}" --team "$${TEAM:-}" --clouds "$${CLOUDS:-}" --licence "$${LICENCE:-}"
	@$(TOOLS)/ruff check --quiet --fix . && $(TOOLS)/ruff format --quiet .

# end cloud
# Not from the environment, where other programs have a variable of this name.
PORT :=
.PHONY: new-service
new-service: .tools/template/.installed .tools/check/.installed ## Make a service from the template NAME=Fraud-Detector [PORT=8004]
	$(call named,NAME,service)
	@"$(PYTHON)" tools/new_service.py "$$NAME" $(if $(PORT),--port "$(PORT)")
	@$(MAKE) --no-print-directory services
	@$(TOOLS)/cog -r README.md

FROM ?=
TO ?=
.PHONY: remove-service rename-service
remove-service: .tools/check/.installed ## Remove a service and everything about it NAME=Some-Service
	$(call named,NAME,service)
	@"$(PYTHON)" tools/remove_service.py "$$NAME"
	@$(MAKE) --no-print-directory services
	@$(TOOLS)/cog -r $(filter-out $(SERVICES:%=%/%) lab/%,$(GENERATED_DOCS))

rename-service: ## Rename a service everywhere FROM=Some-Service TO=Credit-Risk
	$(call named,FROM,service)$(call named,TO,new name)
	@"$(PYTHON)" tools/rename_service.py "$$FROM" "$$TO"
	@$(MAKE) --no-print-directory services format docs

UPSTREAM ?=
.PHONY: merge-upstream
merge-upstream: ## Merge a newer version of the template UPSTREAM=ADDRESS [VERSION=v1.2.3]
	$(call named,UPSTREAM,address of the template)
	@"$(PYTHON)" tools/merge_upstream.py "$$UPSTREAM" $(if $(VERSION),"$$VERSION")

##@ test
# Most suites spend half of their time waiting, for one process or another.
JOBS := 2
.PHONY: test-all test-suites
test-all: ## Test every library and service, the laboratory, the deployment and the tools [JOBS=2: suites at a time]
	@echo "$(JOBS) suites at a time; each prints its output when it has ended"
	@PYTEST_ADDOPTS="--ignore-glob=*/test_load.py $${PYTEST_ADDOPTS:-}" $(MAKE) --no-print-directory --jobs=$(JOBS) --output-sync=target test-suites
	@$(MAKE) --no-print-directory test-load

# The longest first, so that none of them is left alone at the end.
test-suites: $(SERVICES:%=test-%) $(LIBS:%=test-%) test-lab test-tools

$(LIBS:%=test-%): test-%: libs/%/.venv/.installed
	libs/$*/.venv/bin/python -m pytest libs/$*

test-%: %/.venv/.installed ## Test one library or service
	$*/.venv/bin/python -m pytest $*

# `make test-NAME` includes them. `make test-all` runs them one after another: a probe is answered in
# time only on a machine that does nothing else.
LOAD_TESTS := $(wildcard */tests/test_load.py libs/*/tests/test_load.py)
.PHONY: test-load
test-load: $(LOAD_TESTS:%/tests/test_load.py=%/.venv/.installed) ## Run only the tests that put services under load, each alone
	for test in $(LOAD_TESTS); do "$${test%/tests/*}/.venv/bin/python" -m pytest "$$test"; done

# The checker and its hook run with the Python of other repositories: each version has an environment
# of its own.
PYTHONS ?= 3.10 3.11 3.12 3.13 3.14
.PHONY: test-pythons
test-pythons: $(PYTHONS:%=test-pinproof-on-%) $(PYTHONS:%=check-hook-on-%) ## Test pinproof and its hook on Python 3.10 to 3.14, which must be installed [PYTHONS="3.10 3.14"]

test-pinproof-on-%: .cache/pythons/%/.installed
	.cache/pythons/$*/bin/python -m pytest libs/pinproof

check-hook-on-%: .tools/check/.installed
	@mkdir -p .cache/pythons
	@printf '%s\n' 'repos:' '- repo: .' "  rev: $$(git rev-parse HEAD)" '  hooks:' \
		'  - {id: pinproof-check, language_version: python$*}' > .cache/pythons/hook-$*.yaml
	PRE_COMMIT_HOME=$(CURDIR)/.tools/pre-commit $(TOOLS)/pre-commit run --config .cache/pythons/hook-$*.yaml --all-files

# Upgrades take an environment and a training each, and what kills processes of a cluster or a service
# many times takes minutes: too long for every change. Not every service has such tests: pytest ends
# with 5 where it finds none.
.PHONY: test-nightly
test-nightly: extra-environments test-nightly-modelwatch $(SERVICES:%=test-nightly-%) test-nightly-lab test-nightly-tools ## Run the tests that are too slow for every change: upgrades, killed processes, the loop
test-nightly-modelwatch: libs/modelwatch/.venv/.installed
	libs/modelwatch/.venv/bin/python -m pytest libs/modelwatch -m nightly

test-nightly-%: %/.venv/.installed ## Run the slow tests of one service
	$*/.venv/bin/python -m pytest $* -m nightly || [ $$? -eq 5 ]

COMBINATION ?=
.PHONY: test-combination
test-combination: ## Test another form of this repository in a clone COMBINATION=new (`make matrix` lists them)
	$(call named,COMBINATION,combination)
	@"$(PYTHON)" tools/combinations.py "$$COMBINATION"

MINUTES ?= 10
.PHONY: fuzz
fuzz: $(SERVICES:%=fuzz-%) ## Fuzz every service for MINUTES (10): structured requests, then raw bytes

fuzz-%: %/.venv/.installed .tools/fuzz/.installed ## Fuzz one service
	@$*/.venv/bin/python tools/fuzz.py $* --minutes $(MINUTES) $(if $(SEED),--seed $(SEED)) \
		--schemathesis .tools/fuzz/bin/schemathesis --reports reports/fuzz/$*

# HOST is the address of a running service; not from the environment, where other programs have a
# variable of this name. A key that it needs is in LOAD_TEST_API_KEY. Without SECONDS, each program
# has its own default.
HOST :=
USERS ?= 20
SECONDS ?=
MAX_FAILURES ?=
P99_MS ?=
RATE ?=
LOAD_TEST = @$*/.venv/bin/python bench/load/run.py $* --locust .tools/load/bin/locust --users $(USERS) \
	$(if $(HOST),--host "$(HOST)") $(if $(MAX_FAILURES),--max-failures $(MAX_FAILURES)) \
	$(if $(P99_MS),--max-p99-ms $(P99_MS)) $(if $(RATE),--min-rate $(RATE))

.PHONY: load-test soak load-test-faults
load-test: $(SERVICES:%=load-test-%) ## Put load on every service and check every answer
soak: $(SERVICES:%=soak-%) ## Put load on every service for MINUTES (10), and watch its memory
load-test-faults: $(SERVICES:%=load-test-faults-%) ## Put load on every service while clients, models and disks fail

load-test-%: %/.venv/.installed .tools/load/.installed ## Put load on one service [HOST=http://… USERS=20 SECONDS=60 MAX_FAILURES=0 P99_MS=… RATE=…]
	$(LOAD_TEST) $(if $(SECONDS),--seconds $(SECONDS)) --reports reports/load/$*

soak-%: %/.venv/.installed .tools/load/.installed ## Put load on one service for MINUTES (10), and watch its memory [HOST=http://…]
	$(LOAD_TEST) --minutes $(MINUTES) --max-growth 0.03 --reports reports/soak/$*

load-test-faults-%: %/.venv/.installed .tools/load/.installed ## Put load on one service while clients, models and disks fail
	@$*/.venv/bin/python bench/load/faults.py $* --locust .tools/load/bin/locust --users $(USERS) $(if $(SECONDS),--seconds $(SECONDS)) \
		--reports reports/load-faults/$*

.PHONY: check check-format check-lint check-spelling check-types check-pins check-imports check-docs check-links check-workflows check-services
CHECKS := check-format check-lint check-spelling check-types check-pins check-imports check-docs check-links check-workflows check-services

check-format: .tools/check/.installed ## Check the format of the code
	$(TOOLS)/ruff format --check --quiet .

check-lint: .tools/check/.installed ## Check the code with the linter
	$(TOOLS)/ruff check --quiet .

# Misspelled words, and words of tools/words.txt that readers found hard in our texts.
check-spelling: .tools/check/.installed ## Find misspelled words
	git ls-files '*.md' '*.mk' '*.py' '*.sh' '*.tf' '*.toml' '*.yaml' '*.yml' Makefile \
		| grep -vE '^(CHANGELOG\.md|libs/pinproof/tests/fixtures/)' | xargs $(TOOLS)/codespell

check-types: $(PROJECTS:%=check-types-in-%) ## Check the types of every project

$(PROJECTS:%=check-types-in-%): check-types-in-%: %/.venv/.installed .tools/check/.installed ## Check the types of one project, such as libs/modelseal
	$(TOOLS)/mypy --cache-dir $*/.mypy_cache --python-executable $*/.venv/bin/python $*/src $*/tests

check-types: check-types-in-tools

# Programs that run locust need servicekit, and what locust runs needs locust. The mixes of the
# services have one name, so that each is checked alone.
MIXES := $(wildcard $(SERVICES:%=%/load/locustfile.py))
.PHONY: check-types-in-load
check-types: check-types-in-load
check-types-in-load: .tools/load/.installed .tools/check/.installed $(firstword $(SERVICES))/.venv/.installed
	MYPYPATH=bench/load:tools $(TOOLS)/mypy --cache-dir .mypy_cache/load \
		--python-executable $(firstword $(SERVICES))/.venv/bin/python bench/load/run.py bench/load/faults.py
	for mix in bench/load/hostile_users.py\ bench/load/thresholds.py $(MIXES); do \
		MYPYPATH=bench/load $(TOOLS)/mypy --cache-dir .mypy_cache/load --python-executable .tools/load/bin/python $$mix; done

.PHONY: check-types-in-tools
check-types-in-tools: tools/.venv/.installed .tools/check/.installed
	MYPYPATH=tools:tools/loop:tools/tests:bench/load:bench/serving $(TOOLS)/mypy --cache-dir tools/.mypy_cache --python-executable tools/.venv/bin/python \
		tools/help.py tools/merge_upstream.py tools/new_service.py tools/remove_service.py tools/rename_service.py tools/tests

##@ pins
check-pins: libs/pinproof/.venv/.installed ## Check every pin of the repository
	libs/pinproof/.venv/bin/pinproof check

.PHONY: sync-pins
sync-pins: libs/pinproof/.venv/.installed $(UV) ## Pin the transitive dependencies of each service
	libs/pinproof/.venv/bin/pinproof sync --uv $(UV)

##@ test
WORKFLOWS = $(wildcard .github/workflows/*.yml .github/workflows/*.yaml)

check-workflows: .tools/check/.installed ## Check workflows, actions, the update bot's settings and the pre-commit hook
	$(if $(WORKFLOWS),$(TOOLS)/check-jsonschema --quiet --builtin-schema vendor.github-workflows $(WORKFLOWS))
	$(TOOLS)/check-jsonschema --quiet --builtin-schema vendor.github-actions .github/actions/*/action.yml
	$(TOOLS)/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	$(TOOLS)/pre-commit validate-manifest .pre-commit-hooks.yaml
	$(TOOLS)/actionlint -shellcheck $(TOOLS)/shellcheck $(WORKFLOWS)
	$(TOOLS)/zizmor --offline --quiet .github

.PHONY: check-actions matrix
check-actions: .tools/check/.installed ## Ask GitHub whether the pinned commits belong to the actions' versions; needs GH_TOKEN
	$(TOOLS)/zizmor --quiet .github

# What only some tests need: without it, the tests that need these packages and programs would skip.
EXTRA_TARGETS := $(foreach file,$(EXTRAS),$(patsubst requirements-%.txt,%,$(notdir $(file)))-env-$(patsubst %/,%,$(dir $(file))))
EXTRA_ENVIRONMENTS := $(EXTRA_TARGETS) mlflow-env-modelwatch postgres-env-modelwatch tools-env-deploy promtool-env-tools
.PHONY: extra-environments
extra-environments: $(EXTRA_ENVIRONMENTS) ## Install what only some tests need: requirements-WHAT.txt (WHAT-env-NAME), programs of the deployment
TESTED := $(LIBS) $(SERVICES) lab deploy tools
.PHONY: $(TESTED:%=prepare-%)
$(TESTED:%=prepare-%): prepare-%: ## Install what only some tests of NAME need
$(foreach name,$(TESTED),$(eval prepare-$(name): $(filter %-env-$(name),$(EXTRA_ENVIRONMENTS))))

# Continuous integration takes its jobs from here, and has no list of its own.
matrix: ## Print the matrix of tests and images for the workflows
	@"$(PYTHON)" tools/matrix.py --tests $(TESTED) --images $(IMAGE_TARGETS)

##@ pins
.PHONY: pins-today pins-issue
pins-today: libs/pinproof/.venv/.installed $(UV) ## Resolve, prove and audit the pins as of today; writes reports/pins-today.json
	"$(PYTHON)" tools/pins_today.py run reports/pins-today.json

RUN_URL ?=
pins-issue: ## Open, update or close the issue with the findings of pins-today; needs gh and GH_TOKEN
	"$(PYTHON)" tools/pins_today.py tell reports/pins-today.json --run-url "$(RUN_URL)"

.PHONY: outdated audit
outdated: libs/pinproof/.venv/.installed ## List what is newer inside and outside each pin; asks the index
	libs/pinproof/.venv/bin/pinproof outdated

audit: libs/pinproof/.venv/.installed ## Find advisories for what the pins admit; asks the index and OSV
	libs/pinproof/.venv/bin/pinproof audit

.PHONY: prove-pins trial
prove-pins: $(SERVICES:%=prove-pins-in-%) ## Prove both ends of every service's pins, on each supported Python; writes reports/pins

$(SERVICES:%=prove-pins-in-%): prove-pins-in-%: libs/pinproof/.venv/.installed $(UV) ## Prove both ends of the pins of one service
	libs/pinproof/.venv/bin/pinproof prove $* --uv $(UV)

SERVICE ?= $(firstword $(SERVICES))
PIN ?=
trial: libs/pinproof/.venv/.installed $(UV) ## Try an upgrade of a pin [SERVICE=NAME] PIN='numpy~=2.4.0'; writes reports/trials
	libs/pinproof/.venv/bin/pinproof trial $(SERVICE) $(foreach pin,$(PIN),'$(pin)') --uv $(UV)

.PHONY: check-hook
check-hook: .tools/check/.installed ## Install the pre-commit hook as another repository would, and run it on this one
	PRE_COMMIT_HOME=$(CURDIR)/.tools/pre-commit $(TOOLS)/pre-commit try-repo . pinproof-check --all-files

##@ test
check-imports: $(PROJECTS:%=check-imports-in-%) ## Compare the imports of every project with its requirements

$(PROJECTS:%=check-imports-in-%): check-imports-in-%: %/.venv/.installed .tools/check/.installed ## Compare the imports of one project with its requirements
	@echo "deptry $*"
	@$(TOOLS)/python tools/imports.py $*

check-docs: .tools/check/.installed $(PROJECTS:%=%/.venv/.installed) ## Find generated parts of documents that are stale
	$(TOOLS)/cog --check --diff $(GENERATED_DOCS)

check-links: ## Find links of documents that lead nowhere
	@"$(PYTHON)" tools/links.py

.PHONY: format docs
format: .tools/check/.installed ## Format the code and apply the linter's fixes
	$(TOOLS)/ruff check --quiet --fix --exit-zero .
	$(TOOLS)/ruff format --quiet .
	$(TOOLS)/ruff check --quiet .

docs: .tools/check/.installed $(PROJECTS:%=%/.venv/.installed) ## Regenerate the parts of documents that quote results and --help
	$(TOOLS)/cog -r $(GENERATED_DOCS)

.PHONY: services
services: deploy/.venv/.installed ## Write the files that are derived from the services' folders
	deploy/.venv/bin/python tools/derived_files.py

check-services: deploy/.venv/.installed ## Check that the derived files are current
	deploy/.venv/bin/python tools/derived_files.py --check

##@ measure
# Each project has its benchmarks in its folder: bench/bench.mk adds them to BENCHES.
BENCHES :=
include $(wildcard $(SERVICES:%=%/bench/bench.mk) $(LIBS:%=libs/%/bench/bench.mk))

.PHONY: bench bench-probes bench-prediction-log $(BENCHES)
bench: $(BENCHES) ## Measure speed compared with the alternatives (one service: bench-NAME); writes each service's results

bench-probes: $(SERVICES:%=%/.venv/.installed) ## Measure how long probes wait while services are busy
	for service in $(SERVICES); do \
		"$$service/.venv/bin/python" bench/bench_probes.py "$$service" --out "$$service/results/probes.json" || exit 1; done

bench-prediction-log: $(SERVICES:%=%/.venv/.installed) ## Measure what the prediction log and a shadow cost a request
	for service in $(SERVICES); do \
		PYTHONPATH=bench "$$service/.venv/bin/python" bench/bench_prediction_log.py "$$service" \
			--out "$$service/results/prediction-log.json" || exit 1; done

# A table of customers for `make incident`; where it is given, results go to a folder that git ignores.
DATA :=
OUT = $(if $(DATA),lab/reports,lab/results)

.PHONY: incident
incident: lab/.venv/.installed ## Reproduce the effects of upgrades on an unguarded model [DATA=customers.csv]
	@lab/.venv/bin/python -m incidentlab $(if $(DATA),"$(DATA)") --out "$(OUT)" --uv $(UV) --cache .cache/incident

##@ use
.PHONY: clean
clean: ## Remove environments, caches and the services' output
	rm -rf .tools .cache reports .mypy_cache .ruff_cache tools/.venv tools/.mypy_cache tools/.pytest_cache $(foreach p,$(PROJECTS),$(addprefix $(p)/,.venv .mypy_cache .pytest_cache .hypothesis models data reports src/*.egg-info))

# ---- Environments: file targets, so that any target bootstraps what it needs ----

# Rewritten when another interpreter is asked for, so that `make PYTHON=...` rebuilds what it must.
.tools/python: FORCE
	@mkdir -p $(@D)
	@command -v "$(PYTHON)" >/dev/null || { echo "make: there is no $(PYTHON); name a Python 3.11 or 3.12: make PYTHON=python3.11 ..." >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; v = sys.version_info[:2]; print(sys.version, sys.base_prefix); sys.exit(None if v in ((3, 11), (3, 12)) else \
		f"make: {sys.executable} is Python {v[0]}.{v[1]}; this repository needs 3.11 or 3.12: make PYTHON=python3.11 ...")' > $@.new
	@printf '%s' "$(PYTHON)" > .tools/interpreter
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

.PHONY: FORCE
FORCE:

$(UV): tools/requirements-uv.txt .tools/python
	"$(PYTHON)" -m venv --clear .tools/uv
	.tools/uv/bin/pip install --quiet --disable-pip-version-check -r tools/requirements-uv.txt || { \
		echo "make: uv cannot be installed. Without a network, set PIP_INDEX_URL and UV_DEFAULT_INDEX to an index that this machine reaches, or PIP_FIND_LINKS to a folder of wheels" >&2; exit 1; }
	@touch $@

.tools/fuzz/.installed: tools/requirements-fuzz.txt .tools/python $(UV)
	$(UV) venv --quiet --clear --python "$(PYTHON)" .tools/fuzz
	$(UV) pip install --quiet --python .tools/fuzz/bin/python -r $<
	touch $@

.tools/load/.installed: tools/requirements-load.txt .tools/python $(UV)
	@$(UV) venv --quiet --clear --python "$(PYTHON)" .tools/load
	@$(UV) pip install --quiet --python .tools/load/bin/python -r $<
	@touch $@

.tools/template/.installed: tools/requirements-template.txt .tools/python $(UV)
	@$(UV) venv --quiet --clear --python "$(PYTHON)" .tools/template
	@$(UV) pip install --quiet --python .tools/template/bin/python -r $<
	@touch $@

# The database of the tests that keep a prediction log in one.
.PHONY: postgres-env-modelwatch
postgres-env-modelwatch: .tools/postgres/.installed ## Install the database that the tests of modelwatch log to
.tools/postgres/.installed: tools/requirements-postgres.txt .tools/python $(UV)
	@echo "Setting up .tools/postgres"
	@$(UV) venv --quiet --clear --python "$(PYTHON)" .tools/postgres
	@$(UV) pip install --quiet --python .tools/postgres/bin/python -r $<
	@touch $@

# The server that the tests of modelwatch record on.
.PHONY: mlflow-env-modelwatch
mlflow-env-modelwatch: .tools/mlflow/.installed ## Install the MLflow server that the tests of modelwatch record on
.tools/mlflow/.installed: tools/requirements-mlflow.txt .tools/python $(UV)
	@echo "Setting up .tools/mlflow"
	@$(UV) venv --quiet --clear --python "$(PYTHON)" .tools/mlflow
	@$(UV) pip install --quiet --python .tools/mlflow/bin/python -r $<
	@touch $@

# The tests of the tools run these programs on copies of the repository.
test-tools: .tools/check/.installed .tools/load/.installed .tools/template/.installed deploy/.venv/.installed libs/pinproof/.venv/.installed

tools/.venv/.installed: tools/requirements-test.txt .tools/python $(UV)
	@echo "Setting up tools/.venv"
	@$(UV) venv --quiet --clear --python "$(PYTHON)" tools/.venv
	@$(UV) pip install --quiet --python tools/.venv/bin/python -r $<
	@touch $@

.tools/check/.installed: tools/requirements-check.txt .tools/python $(UV)
	$(UV) venv --quiet --clear --python "$(PYTHON)" .tools/check
	$(UV) pip install --quiet --python .tools/check/bin/python -r $<
	@touch $@

LIB_FILES = $(wildcard libs/*/pyproject.toml libs/*/requirements-prod.txt)

.PRECIOUS: .cache/pythons/%/.installed
.cache/pythons/%/.installed: libs/pinproof/requirements-dev.txt libs/pinproof/requirements-prod.txt libs/pinproof/pyproject.toml $(UV)
	@echo "Setting up .cache/pythons/$*"
	@$(UV) venv --quiet --clear --python $* .cache/pythons/$*
	@cd libs/pinproof && "$(CURDIR)/$(UV)" pip install --quiet --python "$(CURDIR)/.cache/pythons/$*/bin/python" \
		-r requirements-dev.txt -e ../modelseal -e .
	@touch $@

# A project's environment: its development requirements, itself and the libraries in place. The
# packages that a service excludes are left out; the checker lists them, so that its environment is
# made first. Other edits of service.toml do not remake the environment.
define environment
$(1)/.venv/.installed: $$(wildcard $(1)/requirements-*.txt) $(1)/pyproject.toml $$(LIB_FILES) .tools/python $$(UV)
	@echo "Setting up $(1)/.venv"
	@$$(UV) venv --quiet --clear --python "$$(PYTHON)" $(1)/.venv
	@cd $(1) && "$$(CURDIR)/$$(UV)" pip install --quiet --python .venv/bin/python -r requirements-dev.txt \
		$(if $(3),--excludes "$$(CURDIR)/.cache/excluded/$(1).txt") $(2:%=-e "$$(CURDIR)/libs/%") -e .
	@touch $$@

$(if $(3),$(1)/.venv/.installed: .cache/excluded/$(1).txt)
endef
$(eval $(call environment,libs/modelseal,,))
$(eval $(call environment,libs/pinproof,modelseal,))
$(eval $(call environment,libs/modelwatch,modelseal,))
$(eval $(call environment,libs/servicekit,modelseal,))
$(eval $(call environment,lab,modelseal pinproof,))
$(foreach s,$(SERVICES),$(eval $(call environment,$(s),modelseal modelwatch servicekit,less exclusions)))

$(SERVICES:%=.cache/excluded/%.txt): .cache/excluded/%.txt: pins.toml %/service.toml libs/pinproof/.venv/.installed
	@mkdir -p $(@D)
	@libs/pinproof/.venv/bin/pinproof exclusions $* > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

# What only some work needs comes on top, into the same environment: requirements-NAME.txt, .venv/.NAME.
# Where no folder of local wheels is configured, torch is the build without several GB of CUDA.
TORCH_BACKEND ?= $(if $(UV_FIND_LINKS),,cpu)

define addition
.PHONY: $(2)-env-$(1)
$(2)-env-$(1): $(1)/.venv/.$(2)

$(1)/.venv/.$(2): $(1)/requirements-$(2).txt $(1)/.venv/.installed
	@echo "Adding requirements-$(2).txt to $(1)/.venv"
	@$$(UV) pip install --quiet --python $(1)/.venv/bin/python -r $$< \
		--excludes .cache/excluded/$(1).txt $$(if $$(TORCH_BACKEND),--torch-backend $$(TORCH_BACKEND))
	@touch $$@
endef
# The client of MLflow, for services whose trainings are recorded. No image has it.
.PHONY: $(SERVICES:%=tracking-env-%)
$(SERVICES:%=tracking-env-%): tracking-env-%: %/.venv/.tracking ## Install the client of MLflow for the trainings of one service
$(SERVICES:%=%/.venv/.tracking): %/.venv/.tracking: libs/modelwatch/requirements-tracking.txt %/.venv/.installed
	@echo "Adding $< to $*/.venv"
	@$(UV) pip install --quiet --python $*/.venv/bin/python -r $< -r $*/requirements-dev.txt --excludes .cache/excluded/$*.txt
	@touch $@

$(foreach file,$(EXTRAS),$(eval $(call addition,$(patsubst %/,%,$(dir $(file))),$(patsubst requirements-%.txt,%,$(notdir $(file))))))

# Each benchmark, part of the deployment and larger tool has its targets next to its files, and adds to `check`.
include $(sort $(wildcard bench/*/*.mk deploy/*/*.mk tools/*/*.mk))

##@ test
check: $(CHECKS) ## Format, lint, types, pins, imports, documents, workflows and everything in deploy
