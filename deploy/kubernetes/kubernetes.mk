# Manifests: render, check, scan, deploy, roll back.

MANIFESTS = PYTHONPATH=deploy/kubernetes:tools deploy/.venv/bin/python -m manifests
RENDERED := reports/kubernetes

# The release file: images, models and the values of the cluster.
DIGESTS ?=
# The context of kubectl; default: the current one.
CONTEXT ?=

.PHONY: render-local render-gke render-eks deploy-gke deploy-eks roll-back-gke roll-back-eks
render-local render-gke render-eks: render-%: deploy/.venv/.installed
	@$(if $(DIGESTS),,echo "make: name the release file: make $@ DIGESTS=FILE (deploy/kubernetes/README.md says what is in it)" >&2; exit 2;) \
	$(MANIFESTS) render $* "$(DIGESTS)" --out $(RENDERED)/$*.yaml

render-gke: ## Render and check the manifests for gke (also render-eks, render-local) DIGESTS=FILE; writes reports/kubernetes

deploy-gke deploy-eks: deploy-%: render-%
	$(MANIFESTS) deploy $(RENDERED)/$*.yaml $(if $(CONTEXT),--context "$(CONTEXT)")

deploy-gke: ## Render, apply, and wait until everything is healthy (also deploy-eks) DIGESTS=FILE [CONTEXT=NAME]

# deploy-… takes the snapshot itself. A workflow takes it before any step that may fail, so that its
# rollback never goes back further than its rollout.
.PHONY: take-snapshot
take-snapshot: deploy/.venv/.installed ## Record the running version in the cluster as the target of a rollback [CONTEXT=NAME]
	$(MANIFESTS) snapshot $(if $(CONTEXT),--context "$(CONTEXT)")

roll-back-gke roll-back-eks: deploy/.venv/.installed
	$(MANIFESTS) rollback $(if $(CONTEXT),--context "$(CONTEXT)")

roll-back-gke: ## Apply what ran before the last deploy-gke, and wait (also roll-back-eks) [CONTEXT=NAME]

# Without kubectl, nothing can be built: a warning for people, an error where CI is set.
KUBECTL ?= kubectl
.PHONY: check-manifests
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
scan: scan-manifests

.PHONY: test-pods
test-pods: build-all deploy/.venv/.installed ## Run the pods of the local overlay with podman, from the images
	CONTAINERS_CONF=$(CURDIR)/deploy/images/containers.conf IMAGES="$(SERVICES)" \
		deploy/.venv/bin/python -m pytest deploy/tests/kubernetes -m images

# Tests compare the manifests with the services, and the policy scanner with planted defects.
test-deploy: $(SERVICES:%=%/.venv/.installed) .tools/scan/.installed

# ONLY="chicagotaxi chicagotaxi-pipeline" measures these and keeps the other figures. The transformer
# has to be sealed before: NLPInsight-Analyzer/README.md.
ONLY ?=
.PHONY: measure-resources
measure-resources: $(SERVICES:%=%/.venv/.installed) ## Measure memory and CPU of servers and jobs [ONLY="NAME ..."]; writes deploy/kubernetes/results
	PYTHONPATH=deploy/local "$(PYTHON)" deploy/kubernetes/measure_resources.py $(if $(ONLY),--only $(ONLY)) --out deploy/kubernetes/results/resources.json

GENERATED_DOCS += deploy/kubernetes/README.md
