# Infrastructure: format, references, and plans with mock clouds.

##@ test

TERRAFORM ?= terraform
# A folder of providers (from `terraform providers mirror FOLDER`) for machines without the registry.
# Without it and without the registry, substitutes with the schemas of the providers are used.
TF_PLUGINS ?=

.PHONY: check-terraform test-terraform scan-terraform
check-terraform: deploy/.venv/.installed ## Check format and references of the infrastructure; make test-deploy plans it
	$(if $(shell command -v $(TERRAFORM)),$(TERRAFORM) fmt -check -diff -recursive deploy/terraform)
	deploy/.venv/bin/python -m pytest --quiet deploy/tests/terraform/test_references.py

test-terraform: deploy/.venv/.installed ## Plan the infrastructure with the real providers and mock clouds; downloads them unless TF_PLUGINS has them
	TERRAFORM="$(TERRAFORM)" TF_PROVIDERS="$(or $(TF_PLUGINS),registry)" deploy/.venv/bin/python -m pytest deploy/tests/terraform

CHECKS += check-terraform

TERRAFORM_ROOTS := $(patsubst deploy/terraform/%/versions.tf,%,$(wildcard deploy/terraform/*/versions.tf))

scan-terraform: $(TERRAFORM_ROOTS:%=scan-terraform-%) ## Scan the infrastructure of every cloud with the policy scanner

.PHONY: $(TERRAFORM_ROOTS:%=scan-terraform-%)
$(TERRAFORM_ROOTS:%=scan-terraform-%): scan-terraform-%: .tools/scan/.installed ## Scan the infrastructure of one cloud with the policy scanner
	@$(POLICY_SCAN) deploy/terraform/$* --framework terraform --accepted deploy/terraform/$*/scan-accepted.toml

scan: scan-terraform
