# Infrastructure: format, cross-references, and plans with stand-ins for the clouds.

TERRAFORM ?= terraform
# A folder of providers (`terraform providers mirror FOLDER` fills one) for machines without the
# registry. Without it and without the registry, stand-ins with the providers' schemas serve.
TF_PLUGINS ?=

.PHONY: check-terraform test-terraform scan-terraform
check-terraform: deploy/.venv/.installed ## Check the format and the references of the infrastructure; make test-deploy plans it
	$(if $(shell command -v $(TERRAFORM)),$(TERRAFORM) fmt -check -diff -recursive deploy/terraform)
	deploy/.venv/bin/python -m pytest --quiet deploy/tests/terraform/test_references.py

test-terraform: deploy/.venv/.installed ## Plan the infrastructure with the real providers and mock clouds, downloading them unless TF_PLUGINS has them
	TERRAFORM="$(TERRAFORM)" TF_PROVIDERS="$(or $(TF_PLUGINS),registry)" deploy/.venv/bin/python -m pytest deploy/tests/terraform

CHECKS += check-terraform

scan-terraform: .tools/scan/.installed ## Scan the infrastructure with the policy scanner
	@$(POLICY_SCAN) deploy/terraform --framework terraform --accepted deploy/terraform/scan-accepted.toml

scan: scan-terraform
