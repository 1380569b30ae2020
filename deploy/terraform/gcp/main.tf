# A cluster on Google Cloud and its surroundings. The modules are in the order of docs/deploy.md.

locals {
  # Written by `make services`.
  services      = values(jsondecode(file("${path.module}/../services.json")))
  model_readers = coalesce(var.model_readers, toset(flatten(local.services[*].accounts)))
}

data "google_project" "this" {
  project_id = var.project_id
}

resource "google_project_service" "this" {
  for_each = toset([
    "artifactregistry.googleapis.com",
    "billingbudgets.googleapis.com",
    "certificatemanager.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "compute.googleapis.com",
    "container.googleapis.com",
    "file.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "storage.googleapis.com",
    "sts.googleapis.com",
  ])

  service = each.key
  # Other systems may use it by then.
  disable_on_destroy = false
}

module "network" {
  source = "./modules/network"

  name   = var.name
  region = var.region
  cidrs  = var.cidrs

  depends_on = [google_project_service.this]
}

module "registry" {
  source = "./modules/registry"

  name   = var.name
  region = var.region

  depends_on = [google_project_service.this]
}

module "models" {
  source = "./modules/models"

  bucket        = "${var.project_id}-${var.name}-models"
  region        = var.region
  force_destroy = !var.deletion_protection

  depends_on = [google_project_service.this]
}

module "cluster" {
  source = "./modules/cluster"

  name                = var.name
  project_id          = var.project_id
  region              = var.region
  network             = module.network.network
  subnetwork          = module.network.subnetwork
  release_channel     = var.release_channel
  deletion_protection = var.deletion_protection

  depends_on = [google_project_service.this]
}

module "traffic" {
  source = "./modules/traffic"

  name   = var.name
  domain = var.domain

  depends_on = [google_project_service.this]
}

module "access" {
  source = "./modules/access"

  name                  = var.name
  project_id            = var.project_id
  project_number        = data.google_project.this.number
  namespace             = var.namespace
  model_readers         = local.model_readers
  model_writers         = var.model_writers
  bucket                = module.models.bucket
  prediction_log_bucket = var.prediction_log_bucket
  registry              = module.registry.name
  registry_location     = var.region
  github_repository     = var.github_repository
  github_environments   = var.github_environments

  # The pool of Kubernetes identities exists once the project has a cluster.
  depends_on = [module.cluster]
}

module "budget" {
  source = "./modules/budget"

  name            = var.name
  project_number  = data.google_project.this.number
  billing_account = var.budget.billing_account
  amount          = var.budget.amount
  currency        = var.budget.currency

  depends_on = [google_project_service.this]
}
