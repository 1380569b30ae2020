# Values for docs/deploy.md and the variables of the GitHub environments.

output "project_id" {
  description = "GCP_PROJECT of the environments."
  value       = var.project_id
}

output "region" {
  description = "GCP_REGION of the environments."
  value       = var.region
}

output "cluster_name" {
  description = "GKE_CLUSTER of the deploy environment."
  value       = module.cluster.name
}

output "registry" {
  description = "REGISTRY of both environments: prefix of the names of images."
  value       = module.registry.address
}

output "model_bucket" {
  description = "The bucket of the models; they are pushed to gs://<bucket>/<service>/<version>."
  value       = module.models.bucket
}

output "workload_identity_provider" {
  description = "GCP_IDENTITY_PROVIDER of both environments."
  value       = module.access.workload_identity_provider
}

output "release_account" {
  description = "GCP_SERVICE_ACCOUNT of the release environment."
  value       = module.access.release_account
}

output "deploy_account" {
  description = "GCP_SERVICE_ACCOUNT of the deploy environment, and the user that deployer.yaml names."
  value       = module.access.deploy_account
}

output "namespace" {
  description = "Namespace whose service accounts have access to the models."
  value       = var.namespace
}

output "values" {
  description = "The values of deploy/kubernetes/overlays/gke, for the release file."
  value = {
    DOMAIN          = var.domain
    STATIC_IP_NAME  = module.traffic.address_name
    CERTIFICATE_MAP = module.traffic.certificate_map
    NETWORK         = module.network.name
    BUCKET_URI      = "gs://${module.models.bucket}"
  }
}

output "address" {
  description = "The address for the DNS record of *.domain."
  value       = module.traffic.address
}

output "certificate_record" {
  description = "DNS record to create for the certificate."
  value       = module.traffic.record
}
