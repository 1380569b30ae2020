# The benchmark of serving: each service compared with the alternatives and with other model servers.

##@ measure

.tools/wrk/bin/wrk:
	@bash bench/serving/install_wrk.sh .tools/wrk

.tools/serving/bench/.installed: bench/requirements-bench.txt $(LIB_FILES) .tools/python $(UV)
	@echo "Setting up .tools/serving/bench"
	@$(UV) venv --quiet --clear --python "$(PYTHON)" $(@D)
	@$(UV) pip install --quiet --python $(@D)/bin/python -r $< -e libs/modelseal -e libs/servicekit
	@touch $@

# An environment for each peer and service: the peer, the service and its libraries. Where a peer
# cannot work with a pin of the service, overrides/ has the pin that it needs.
define peer_environment
.tools/serving/$(1)/$(2)/.installed: bench/serving/requirements-$(1).txt $(wildcard bench/serving/overrides/requirements-$(1).txt) \
		$(2)/pyproject.toml $(2)/requirements-prod.txt .cache/excluded/$(2).txt $$(LIB_FILES) .tools/python $$(UV)
	@echo "Setting up $$(@D)"
	@$$(UV) venv --quiet --clear --python "$$(PYTHON)" $$(@D)
	@cd $(2) && "$$(CURDIR)/$$(UV)" pip install --quiet --python "$$(CURDIR)/$$(@D)/bin/python" -r "$$(CURDIR)/$$<" \
		$(if $(wildcard bench/serving/overrides/requirements-$(1).txt),--override "$$(CURDIR)/bench/serving/overrides/requirements-$(1).txt") \
		--excludes "$$(CURDIR)/.cache/excluded/$(2).txt" \
		-e "$$(CURDIR)/libs/modelseal" -e "$$(CURDIR)/libs/modelwatch" -e "$$(CURDIR)/libs/servicekit" -e .
	@touch $$@
endef
SERVING_PEERS := $(patsubst bench/serving/requirements-%.txt,%,$(wildcard bench/serving/requirements-*.txt))
$(foreach p,$(SERVING_PEERS),$(foreach s,$(SERVICES),$(eval $(call peer_environment,$(p),$(s)))))

# Services that declare what to measure.
SERVED := $(patsubst %/bench/serving.py,%,$(wildcard $(SERVICES:%=%/bench/serving.py)))

# What a service declares, and servers/, need the service's packages. peers/ is not checked: the
# packages of the other model servers are installed for the benchmark only.
.PHONY: check-types-in-bench/serving $(SERVED:%=check-types-in-%/bench)
check-types: check-types-in-bench/serving $(SERVED:%=check-types-in-%/bench)
check-types-in-bench/serving: .tools/serving/bench/.installed .tools/check/.installed
	MYPYPATH=bench:bench/serving:tools $(TOOLS)/mypy --cache-dir .mypy_cache/serving \
		--python-executable .tools/serving/bench/bin/python bench/serving/*.py

$(SERVED:%=check-types-in-%/bench): check-types-in-%/bench: %/.venv/.installed .tools/check/.installed
	MYPYPATH=bench/serving:bench/serving/servers:tools $(TOOLS)/mypy --cache-dir $*/.mypy_cache/bench \
		--python-executable $*/.venv/bin/python $*/bench/serving.py bench/serving/servers/*.py

ROUNDS ?=
ONLY ?=
.PHONY: bench-serving
bench-serving: .tools/wrk/bin/wrk .tools/serving/bench/.installed $(SERVED:%=%/.venv/.installed) ## Measure every service compared with other ways to serve it, in one run [ROUNDS=3 SECONDS=1 ONLY=PATTERN]
	@PYTHONPATH=bench:bench/serving:tools .tools/serving/bench/bin/python bench/serving/bench_serving.py $(SERVED) \
		--wrk .tools/wrk/bin/wrk \
		$(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(ONLY),--only "$(ONLY)")
