# Manifests: render, check, scan, deploy, roll back.

##@ ship

MANIFESTS = PYTHONPATH=deploy/kubernetes:tools deploy/.venv/bin/python -m manifests
RENDERED := reports/kubernetes

# The release file: images, models and the values of the cluster.
DIGESTS ?=
# The context of kubectl; default: the current one.
CONTEXT ?=

# An overlay is a folder. All but `local` are for clusters in a cloud.
OVERLAYS := $(sort $(patsubst deploy/kubernetes/overlays/%/kustomization.yaml,%,$(wildcard deploy/kubernetes/overlays/*/kustomization.yaml)))
CLUSTERS := $(filter-out local,$(OVERLAYS))

.PHONY: $(OVERLAYS:%=render-%) $(CLUSTERS:%=deploy-%) $(CLUSTERS:%=roll-back-%)
$(OVERLAYS:%=render-%): render-%: deploy/.venv/.installed ## Render and check the manifests of an overlay DIGESTS=FILE; writes reports/kubernetes
	@$(if $(DIGESTS),,echo "make: name the release file: make $@ DIGESTS=FILE (deploy/kubernetes/README.md says what is in it)" >&2; exit 2;) \
	$(MANIFESTS) render $* "$(DIGESTS)" --out $(RENDERED)/$*.yaml

$(CLUSTERS:%=deploy-%): deploy-%: render-% ## Render, apply, and wait until everything is healthy DIGESTS=FILE [CONTEXT=NAME]
	$(MANIFESTS) deploy $(RENDERED)/$*.yaml $(if $(CONTEXT),--context "$(CONTEXT)")

# deploy-… takes the snapshot itself. A workflow takes it before any step that may fail, so that its
# rollback never goes back further than its rollout.
.PHONY: take-snapshot
take-snapshot: deploy/.venv/.installed ## Record the running version in the cluster as the target of a rollback [CONTEXT=NAME]
	$(MANIFESTS) snapshot $(if $(CONTEXT),--context "$(CONTEXT)")

$(CLUSTERS:%=roll-back-%): roll-back-%: deploy/.venv/.installed ## Apply what ran before the last deployment, and wait [CONTEXT=NAME]
	$(MANIFESTS) rollback $(if $(CONTEXT),--context "$(CONTEXT)")

# Without kubectl, nothing can be built: a warning for people, an error where CI is set.
KUBECTL ?= kubectl
.PHONY: check-manifests
##@ test
check-manifests: deploy/.venv/.installed ## Build and check every overlay and every combination of components
	@if command -v "$(KUBECTL)" >/dev/null; then KUBECTL="$(KUBECTL)" $(MANIFESTS) check; \
	elif [ -n "$${CI:-}" ]; then echo "make: kubectl, which builds the manifests, is not installed" >&2; exit 1; \
	else echo "make: NOT CHECKED: the manifests, because kubectl is not installed; install it, or set KUBECTL" >&2; fi

CHECKS += check-manifests

.tools/scan/.installed: tools/requirements-scan.txt .tools/python $(UV)
	$(UV) venv --quiet --clear --python "$(PYTHON)" .tools/scan
	$(UV) pip install --quiet --python .tools/scan/bin/python -r $<
	@touch $@

.PHONY: scan-manifests
POLICY_SCAN = "$(PYTHON)" deploy/policy_scan.py --checkov .tools/scan/bin/checkov
scan-manifests: .tools/scan/.installed deploy/.venv/.installed ## Scan the rendered overlays with the policy scanner
	@$(MANIFESTS) examples reports/scan
	@$(POLICY_SCAN) reports/scan --framework kubernetes --accepted deploy/kubernetes/scan-accepted.toml

# Not part of `check`: the scanner is 190 MB and slower than all other checks together.
.PHONY: scan
scan: scan-manifests ## Scan manifests and infrastructure with the policy scanner

.PHONY: test-pods
test-pods: build-all deploy/.venv/.installed ## Run the pods of the local overlay with podman, from the images
	CONTAINERS_CONF=$(CURDIR)/deploy/images/containers.conf IMAGES="$(SERVICES)" \
		deploy/.venv/bin/python -m pytest $(DEPLOY_PYTEST) deploy/tests/kubernetes $(SERVICE_DEPLOY_TESTS) -m images

# Tests compare the manifests with the services, and the policy scanner with planted defects.
test-deploy: $(SERVICES:%=%/.venv/.installed) libs/modelwatch/.venv/.installed .tools/scan/.installed

# ONLY="NAME ..." measures these and keeps the other figures. A model that a service.toml names has to be
# sealed before.
ONLY ?=
.PHONY: measure-resources
##@ measure
measure-resources: $(SERVICES:%=%/.venv/.installed) libs/modelwatch/.venv/.installed ## Measure memory and CPU of servers and jobs [ONLY="NAME ..."]; writes results/resources.json of each service
	PYTHONPATH=deploy/local:tools "$(PYTHON)" deploy/kubernetes/measure_resources.py $(if $(ONLY),--only $(ONLY))
