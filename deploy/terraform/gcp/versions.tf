terraform {
  required_version = "~> 1.11.0"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50.0"
    }
  }

  # `terraform init` gets the location of the state (docs/deploy.md).
  backend "gcs" {}
}

provider "google" {
  project = var.project_id
  region  = var.region

  # The interface for budgets asks which project a request counts for.
  user_project_override = true
  billing_project       = var.project_id

  default_labels = {
    system     = var.name
    managed-by = "terraform"
  }
}
