# A cluster on AWS and its surroundings. The modules are in the order of docs/deploy.md.

locals {
  # Written by `make services`.
  services      = values(jsondecode(file("${path.module}/../services.json")))
  model_readers = coalesce(var.model_readers, toset(flatten(local.services[*].accounts)))
  images        = coalesce(var.images, toset(flatten(local.services[*].images)))
}

module "network" {
  source = "./modules/network"

  name   = var.name
  region = var.region
  cidr   = var.cidr
  zones  = var.zones
}

module "registry" {
  source = "./modules/registry"

  name         = var.name
  images       = local.images
  force_delete = !var.deletion_protection
}

module "models" {
  source = "./modules/models"

  bucket        = "${var.name}-models-${var.account_id}"
  force_destroy = !var.deletion_protection
}

module "cluster" {
  source = "./modules/cluster"

  name                = var.name
  kubernetes_version  = var.kubernetes_version
  subnet_ids          = module.network.private_subnet_ids
  control_plane_cidrs = var.control_plane_cidrs
  nodes               = var.nodes
}

module "storage" {
  source = "./modules/storage"

  name                   = var.name
  vpc_id                 = module.network.vpc_id
  subnet_ids             = module.network.private_subnets
  node_security_group_id = module.cluster.node_security_group_id
}

module "certificate" {
  source = "./modules/certificate"

  domain = var.domain
}

module "access" {
  source = "./modules/access"

  name                     = var.name
  cluster_name             = module.cluster.name
  cluster_arn              = module.cluster.arn
  namespace                = var.namespace
  model_readers            = local.model_readers
  model_writers            = var.model_writers
  bucket_arn               = module.models.bucket_arn
  prediction_log_bucket    = var.prediction_log_bucket
  key_arn                  = module.models.key_arn
  repository_arns          = values(module.registry.repository_arns)
  github_repository        = var.github_repository
  github_environments      = var.github_environments
  github_oidc_provider_arn = var.github_oidc_provider_arn
}

module "budget" {
  source = "./modules/budget"

  name   = var.name
  amount = var.budget.amount
  emails = var.budget.emails
}
