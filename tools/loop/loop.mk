# The loop: what becomes of a model after its deployment, in one simulation.

##@ use

# Services that declare their traffic.
LOOPED := $(patsubst %/loop/traffic.py,%,$(wildcard $(SERVICES:%=%/loop/traffic.py)))
# The tools need servicekit for its launcher only, which has no dependencies.
LOOP_PATH := tools/loop:tools:libs/servicekit/src

.PHONY: loop $(LOOPED:%=loop-%) loop-results
loop: $(LOOPED:%=loop-%) ## Simulate three months of a service: traffic, drift, alert, challenger, promotion; writes reports/loop; needs promtool

$(LOOPED:%=loop-%): loop-%: %/.venv/.installed libs/modelwatch/.venv/.installed ## Simulate three months of one service
	@PYTHONPATH=$(LOOP_PATH) libs/modelwatch/.venv/bin/python tools/loop/run_loop.py $* --out reports/loop/$*

##@ test
.PHONY: promtool-env-tools
promtool-env-tools: ## Install promtool, with apt-get and sudo
	@command -v promtool >/dev/null || { \
		$(SUDO) apt-get update --quiet; \
		$(SUDO) apt-get install --yes --quiet --no-install-recommends prometheus; }

# Its tests run the programs of these environments.
test-tools test-nightly-tools: libs/modelwatch/.venv/.installed $(LOOPED:%=%/.venv/.installed)

##@ measure
loop-results: loop ## Run the loop, and keep its picture and figures in the results of each service
	for service in $(LOOPED); do mkdir -p "$$service/results"; cp "reports/loop/$$service/"loop.{svg,json} "$$service/results"; done

.PHONY: check-types-in-tools/loop $(LOOPED:%=check-types-in-%/loop)
check-types: check-types-in-tools/loop $(LOOPED:%=check-types-in-%/loop)
# Servicekit is checked with its own packages, which are not here.
check-types-in-tools/loop: libs/modelwatch/.venv/.installed .tools/check/.installed
	MYPYPATH=$(LOOP_PATH) $(TOOLS)/mypy --cache-dir .mypy_cache/loop --follow-imports silent \
		--python-executable libs/modelwatch/.venv/bin/python tools/loop

$(LOOPED:%=check-types-in-%/loop): check-types-in-%/loop: %/.venv/.installed .tools/check/.installed
	$(TOOLS)/mypy --cache-dir $*/.mypy_cache/loop --python-executable $*/.venv/bin/python $*/loop
