# Manifests: render, check, deploy; and the services on this machine without Kubernetes.

MANIFESTS = PYTHONPATH=deploy/kubernetes deploy/.venv/bin/python -m manifests
RENDERED := reports/kubernetes

# The release file: images by digest, models by digest, the cluster's own values.
DIGESTS ?=
# The context of kubectl to deploy to; the current one where none is given.
CONTEXT ?=

.PHONY: render-local render-gke render-eks deploy-gke deploy-eks roll-back-gke roll-back-eks
render-local render-gke render-eks: render-%: deploy/.venv/.installed
	@$(if $(DIGESTS),,echo "make: name the release file: make $@ DIGESTS=FILE (deploy/kubernetes/README.md says what is in it)" >&2; exit 2;) \
	$(MANIFESTS) render $* "$(DIGESTS)" --out $(RENDERED)/$*.yaml

render-gke: ## Render the manifests, as render-eks and render-local do DIGESTS=FILE; writes reports/kubernetes

deploy-gke deploy-eks: deploy-%: render-%
	$(MANIFESTS) deploy $(RENDERED)/$*.yaml $(if $(CONTEXT),--context "$(CONTEXT)")

deploy-gke: ## Render, apply, wait until it is healthy, as deploy-eks does DIGESTS=FILE [CONTEXT=NAME]

# What runs is the way back from the roll-out that comes. deploy-… records that by itself; a workflow
# does it before anything that may fail, so that its roll-back never goes further than its roll-out.
.PHONY: take-snapshot
take-snapshot: deploy/.venv/.installed ## Record in the cluster that what runs is the way back [CONTEXT=NAME]
	$(MANIFESTS) snapshot $(if $(CONTEXT),--context "$(CONTEXT)")

roll-back-gke roll-back-eks: deploy/.venv/.installed
	$(MANIFESTS) rollback $(if $(CONTEXT),--context "$(CONTEXT)")

roll-back-gke: ## Apply what ran before the last deploy-gke and wait, as roll-back-eks does [CONTEXT=NAME]

# Without kubectl nothing can be built. A person is told so and goes on; continuous integration,
# which sets CI, fails: there, a check that was not made is no check.
KUBECTL ?= kubectl
.PHONY: check-manifests
check-manifests: deploy/.venv/.installed ## Build every overlay and combination of components, and check it
	@if command -v "$(KUBECTL)" >/dev/null; then KUBECTL="$(KUBECTL)" $(MANIFESTS) check; \
	elif [ -n "$${CI:-}" ]; then echo "make: there is no kubectl, which builds the manifests" >&2; exit 1; \
	else echo "make: NOT CHECKED: the manifests, because there is no kubectl; install it, or set KUBECTL" >&2; fi

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
measure-resources: $(SERVICES:%=%/.venv/.installed) ## Measure what servers and jobs use [ONLY="..."]; writes deploy/kubernetes/results
	PYTHONPATH=deploy/local "$(PYTHON)" deploy/kubernetes/measure_resources.py $(if $(ONLY),--only $(ONLY)) --out deploy/kubernetes/results/resources.json

GENERATED_DOCS += deploy/kubernetes/README.md
