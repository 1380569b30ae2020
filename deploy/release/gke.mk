# What only GKE needs.

##@ ship
TERRAFORM_ROOT_gke := gcp

.PHONY: log-in-gke
# skopeo and cosign share one file of logins.
log-in-gke: ## Log in to the registry REGISTRY of Google Cloud; needs gcloud and cosign
	$(call named,REGISTRY,registry)
	@gcloud auth print-access-token \
		| cosign login "$${REGISTRY%%/*}" --username oauth2accesstoken --password-stdin
