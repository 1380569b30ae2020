# What only EKS needs.

##@ ship
EKS_CLUSTER ?=
AWS_REGION ?=

TERRAFORM_ROOT_eks := aws

.PHONY: log-in-eks connect-eks
# skopeo and cosign share one file of logins.
log-in-eks: ## Log in to the registry REGISTRY of AWS; needs aws and cosign
	$(call named,REGISTRY,registry)
	@aws ecr get-login-password \
		| cosign login "$${REGISTRY%%/*}" --username AWS --password-stdin

connect-eks: ## Add an EKS cluster to the configuration of kubectl EKS_CLUSTER=NAME AWS_REGION=REGION; needs aws
	$(call named,EKS_CLUSTER,cluster)$(call named,AWS_REGION,region)
	aws eks update-kubeconfig --name "$$EKS_CLUSTER" --region "$$AWS_REGION"
