# From built images to a cluster: push, sign, release, verify, smoke test.

##@ ship

RELEASE := "$(PYTHON)" deploy/release/release.py
# Prefix of images in a registry: terraform output registry.
REGISTRY ?=
# Folder of the archives of archive-%, and folder of the digests of push-%.
IMAGE_FOLDER ?= reports/images
PUSHED_FOLDER ?= reports/release
# More options for skopeo, such as --dest-tls-verify=false for a registry on this machine.
PUSH_FLAGS ?=
# A release, such as v1.2.3.
VERSION ?=
# owner/name on GitHub.
REPOSITORY ?=
# An overlay for a cloud; deploy/clusters/$(CLUSTER).toml lists the models of the cluster.
CLUSTER ?=

# make executes $(shell ...) in the values that it expands. Therefore workflows pass values in the
# environment, and recipes use $$VERSION of the shell instead of $(VERSION).

# Fails if a variable is not set.
named = $(if $(value $(1)),,$(error name the $(2): make $@ $(1)=...))
# A missing digest ends the recipe: the shell stops after a failed command in an assignment, but not
# after one in an argument.
read_digest = digest="$$($(RELEASE) digest $(IMAGE_FOLDER)/$(call image_name,$*).digest)"

.PHONY: $(IMAGE_TARGETS:%=push-%) $(IMAGE_TARGETS:%=pushed-%) $(IMAGE_TARGETS:%=sign-%)
$(IMAGE_TARGETS:%=push-%): push-%: ## Push one archived image to REGISTRY as VERSION, and record its digest; needs skopeo
	$(call named,REGISTRY,registry)$(call named,VERSION,version)
	skopeo copy $(PUSH_FLAGS) --preserve-digests --digestfile $(IMAGE_FOLDER)/$(call image_name,$*).digest \
		oci-archive:$(IMAGE_FOLDER)/$(call image_name,$*).tar "docker://$$REGISTRY/$(call image_name,$*):$$VERSION"
	$(read_digest); $(RELEASE) record $(call image_name,$*) "$$digest" \
		--out $(PUSHED_FOLDER)/$(call image_name,$*).json

$(IMAGE_TARGETS:%=pushed-%): pushed-%:
	$(call named,REGISTRY,registry)
	@$(read_digest); printf 'name=%s\ndigest=%s\nsbom=%s\n' "$$REGISTRY/$(call image_name,$*)" \
		"$$digest" $(IMAGE_FOLDER)/$(call image_name,$*).cdx.json

$(IMAGE_TARGETS:%=sign-%): sign-%: ## Sign a pushed image with the identity of the workflow; needs cosign
	$(call named,REGISTRY,registry)
	$(read_digest); cosign sign --yes "$$REGISTRY/$(call image_name,$*)@$$digest"

known_cluster = $(call named,CLUSTER,cluster)$(if $(filter 1,$(words $(value CLUSTER))),$(if \
	$(filter $(CLUSTERS),$(value CLUSTER)),,$(no_cluster)),$(no_cluster))
no_cluster = $(error unknown cluster $(value CLUSTER); known clusters: $(CLUSTERS))

# begin cloud: gcp aws
# The outputs of Terraform for the cluster file.
.PHONY: cluster-values
cluster-values: ## Print the values for deploy/clusters/CLUSTER.toml from the outputs of Terraform; needs terraform
	$(known_cluster)
	@$(TERRAFORM) -chdir=deploy/terraform/$(TERRAFORM_ROOT_$(value CLUSTER)) output -json values | $(RELEASE) values

# end cloud
NAME ?=
.PHONY: leave-out
leave-out: deploy/.venv/.installed ## Leave a service or a component out of a cluster, in its file CLUSTER=NAME NAME=retraining
	$(known_cluster)$(call named,NAME,service or component)
	@$(MANIFESTS) leave-out "deploy/clusters/$$CLUSTER.toml" "$$NAME"

.PHONY: check-version publish-release release-file verify-release smoke
check-version: ## Refuse a VERSION in the environment that is not like v1.2.3
	@$(RELEASE) check-version

publish-release: ## Create the GitHub release VERSION from the digests in reports/release; needs gh
	$(call named,VERSION,version)
	$(RELEASE) merge reports/release --images $(foreach s,$(IMAGE_TARGETS),$(call image_name,$(s))) --out reports/digests.json
	gh release create "$$VERSION" reports/digests.json --verify-tag --generate-notes

release-file: ## Write the release file DIGESTS of the release VERSION for CLUSTER with REGISTRY; needs gh
	$(call named,VERSION,version)$(known_cluster)$(call named,REGISTRY,registry)$(call named,DIGESTS,file to write)
	gh release download "$$VERSION" --pattern digests.json --dir reports --clobber
	$(RELEASE) compose "deploy/clusters/$$CLUSTER.toml" reports/digests.json --registry "$$REGISTRY" --out "$$DIGESTS"

verify-release: ## Refuse a release file DIGESTS with images that the release VERSION of REPOSITORY did not sign; needs cosign
	$(call named,VERSION,version)$(call named,REPOSITORY,repository)$(call named,DIGESTS,release file)
	$(RELEASE) verify "$$DIGESTS" --repository "$$REPOSITORY" --version "$$VERSION"

# Without a release file, the services of `make up`.
smoke: ## Send the requests of service.toml to the services of make up, or of a cluster DIGESTS=FILE [CONTEXT=NAME] [SMOKE_API_KEY=...]
	@"$(PYTHON)" deploy/release/smoke.py $(if $(value DIGESTS),--release "$$DIGESTS",--up .cache/up) \
		$(if $(CONTEXT),--context "$(CONTEXT)")

# An administrator gives the deploy workflow its rights, once for each cluster: to a user, such as the
# address of a service account, or to the group that is bound already.
DEPLOYER ?=
ADMIN = kubectl $(if $(CONTEXT),--context "$(CONTEXT)")
.PHONY: allow-deployer
allow-deployer: ## Give the deploy workflow its namespace and rights [DEPLOYER=USER] [CONTEXT=NAME]
	$(ADMIN) apply --server-side -f deploy/kubernetes/base/namespace.yaml
	$(ADMIN) apply --server-side -f deploy/release/deployer.yaml
	$(if $(DEPLOYER),$(ADMIN) create rolebinding deployer-user --namespace ml-services --role deployer \
		--user "$(DEPLOYER)" --dry-run=client --output yaml | $(ADMIN) apply --server-side -f -)
	$(if $(DEPLOYER),$(ADMIN) create clusterrolebinding ml-services-deployer-user --clusterrole ml-services-deployer \
		--user "$(DEPLOYER)" --dry-run=client --output yaml | $(ADMIN) apply --server-side -f -)
