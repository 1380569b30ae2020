# Between a built image and a cluster: archive, push, sign, write down, verify, ask.

RELEASE := "$(PYTHON)" deploy/release/release.py
# What comes before an image's name in a registry; terraform output registry.
REGISTRY ?=
# A release, such as v1.2.3.
VERSION ?=
# owner/name on GitHub.
REPOSITORY ?=
# gke or eks; deploy/clusters/$(CLUSTER).toml says which models run there.
CLUSTER ?=
EKS_CLUSTER ?=
AWS_REGION ?=

# An image is named like its service, in lower case.
image = $(shell echo $(1) | tr '[:upper:]' '[:lower:]')
IMAGES = $(foreach s,$(SERVICES),$(call image,$(s)))

# Where an image is pushed to, and what was pushed. A registry that is not named is a mistake.
named = $(if $($(1)),,$(error name the $(2): make $@ $(1)=...))
pushed = $(REGISTRY)/$(call image,$*)@$$(cat reports/images/$(call image,$*).digest)

.PHONY: $(SERVICES:%=push-%) $(SERVICES:%=pushed-%) $(SERVICES:%=sign-%)
$(SERVICES:%=push-%): push-%: ## Push one archived image to REGISTRY as VERSION, and write down its digest; needs skopeo
	$(call named,REGISTRY,registry)$(call named,VERSION,version)
	skopeo copy --preserve-digests --digestfile reports/images/$(call image,$*).digest \
		oci-archive:reports/images/$(call image,$*).tar docker://$(REGISTRY)/$(call image,$*):$(VERSION)
	$(RELEASE) record $(call image,$*) "$$(cat reports/images/$(call image,$*).digest)" \
		--out reports/release/$(call image,$*).json

$(SERVICES:%=pushed-%): pushed-%:
	$(call named,REGISTRY,registry)
	@printf 'name=%s\ndigest=%s\nsbom=%s\n' $(REGISTRY)/$(call image,$*) \
		"$$(cat reports/images/$(call image,$*).digest)" reports/images/$(call image,$*).cdx.json

$(SERVICES:%=sign-%): sign-%: ## Sign what push wrote down, with the identity of the workflow; needs cosign
	$(call named,REGISTRY,registry)
	cosign sign --yes $(pushed)

.PHONY: log-in-gke log-in-eks connect-eks
# skopeo and cosign read the same file of logins.
log-in-gke:
	$(call named,REGISTRY,registry)
	@gcloud auth print-access-token \
		| cosign login $(firstword $(subst /, ,$(REGISTRY))) --username oauth2accesstoken --password-stdin

log-in-eks:
	$(call named,REGISTRY,registry)
	@aws ecr get-login-password \
		| cosign login $(firstword $(subst /, ,$(REGISTRY))) --username AWS --password-stdin

connect-eks: ## Tell kubectl of an EKS cluster EKS_CLUSTER=NAME AWS_REGION=REGION; needs aws
	$(call named,EKS_CLUSTER,cluster)$(call named,AWS_REGION,region)
	aws eks update-kubeconfig --name "$(EKS_CLUSTER)" --region "$(AWS_REGION)"

.PHONY: publish-release release-file verify-release smoke
publish-release: ## Make the GitHub release VERSION of the digests in reports/release; needs gh
	$(call named,VERSION,version)
	$(RELEASE) merge reports/release --images $(IMAGES) --out reports/digests.json
	gh release create "$(VERSION)" reports/digests.json --verify-tag --generate-notes

release-file: ## Make the release file DIGESTS of the release VERSION for CLUSTER with REGISTRY; needs gh
	$(call named,VERSION,version)$(call named,CLUSTER,cluster)$(call named,REGISTRY,registry)$(call named,DIGESTS,file to write)
	gh release download "$(VERSION)" --pattern digests.json --dir reports --clobber
	$(RELEASE) compose deploy/clusters/$(CLUSTER).toml reports/digests.json --registry "$(REGISTRY)" --out "$(DIGESTS)"

verify-release: ## Refuse a release file DIGESTS whose images the release VERSION of REPOSITORY did not sign; needs cosign
	$(call named,VERSION,version)$(call named,REPOSITORY,repository)$(call named,DIGESTS,release file)
	$(RELEASE) verify "$(DIGESTS)" --repository "$(REPOSITORY)" --version "$(VERSION)"

smoke: ## Ask a cluster whether it serves the release file DIGESTS [CONTEXT=NAME] [SMOKE_API_KEY=...]; needs kubectl
	$(call named,DIGESTS,release file)
	"$(PYTHON)" deploy/release/smoke.py "$(DIGESTS)" $(if $(CONTEXT),--context "$(CONTEXT)")

# The deployer's rights, once for each cluster, by an administrator.
DEPLOYER ?=
.PHONY: allow-deployer
allow-deployer: ## Let the deploy workflow deploy: its namespace and rights [DEPLOYER=account of Google Cloud] [CONTEXT=NAME]
	"$(PYTHON)" deploy/release/deployer.py $(if $(DEPLOYER),--user "$(DEPLOYER)") \
		| kubectl $(if $(CONTEXT),--context "$(CONTEXT)") apply --server-side -f deploy/kubernetes/base/namespace.yaml -f -
