# Deploy the services to a kind cluster on this machine.

##@ test

.PHONY: e2e e2e-logs e2e-down
e2e: $(SERVICES:%=%/.venv/.installed) $(SERVICES:%=archive-%) ## Deploy to a kind cluster on this machine and run the smoke test; needs docker, kind and kubectl
	"$(PYTHON)" deploy/e2e/e2e.py prepare
	$(MAKE) render-local DIGESTS=reports/e2e/release.json
	"$(PYTHON)" deploy/e2e/e2e.py apply

e2e-logs: ## Show objects, events and logs of the cluster of make e2e
	"$(PYTHON)" deploy/e2e/e2e.py logs

e2e-down: ## Remove the cluster of make e2e
	"$(PYTHON)" deploy/e2e/e2e.py down
