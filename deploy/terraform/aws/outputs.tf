# Values for docs/deploy.md and the variables of the GitHub environments.

output "region" {
  description = "AWS_REGION of the environments."
  value       = var.region
}

output "cluster_name" {
  description = "EKS_CLUSTER of the deploy environment."
  value       = module.cluster.name
}

output "registry" {
  description = "REGISTRY of both environments: prefix of the names of images."
  value       = module.registry.address
}

output "model_bucket" {
  description = "The bucket of the models; they are pushed to s3://<bucket>/<service>/<version>."
  value       = module.models.bucket
}

output "release_role_arn" {
  description = "AWS_ROLE of the release environment."
  value       = module.access.release_role_arn
}

output "deploy_role_arn" {
  description = "AWS_ROLE of the deploy environment."
  value       = module.access.deploy_role_arn
}

output "namespace" {
  description = "Namespace whose service accounts have access to the models."
  value       = var.namespace
}

output "vpc_id" {
  description = "ID of the network, for the installation of the load balancer controller."
  value       = module.network.vpc_id
}

output "values" {
  description = "The values of deploy/kubernetes/overlays/eks, for the release file."
  value = {
    DOMAIN             = var.domain
    CERTIFICATE_ARN    = module.certificate.arn
    LOAD_BALANCER_CIDR = module.network.public_cidr
    EFS_FILE_SYSTEM    = module.storage.file_system_id
    BUCKET_URI         = "s3://${module.models.bucket}"
  }
}

output "certificate_record" {
  description = "DNS record to create for the certificate."
  value       = module.certificate.record
}
