# The rights of workflows, without permanent keys: GitHub's token names the repository and environment of
# a job, and Google gives it a service account for an hour. Environments can require an approval.

resource "google_iam_workload_identity_pool" "github" {
  workload_identity_pool_id = "${var.name}-github"
  display_name              = "GitHub workflows"
}

resource "google_iam_workload_identity_pool_provider" "github" {
  workload_identity_pool_id          = google_iam_workload_identity_pool.github.workload_identity_pool_id
  workload_identity_pool_provider_id = "github"
  display_name                       = "GitHub workflows"

  attribute_mapping = {
    "google.subject"       = "assertion.sub"
    "attribute.repository" = "assertion.repository"
  }

  # GitHub issues tokens for all repositories; only those of one are accepted.
  attribute_condition = "assertion.repository == '${var.github_repository}'"

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

resource "google_service_account" "workflow" {
  for_each = toset(["release", "deploy"])

  account_id   = "${var.name}-${each.key}"
  display_name = "The ${each.key} workflow of ${var.github_repository}"
}

# Exactly the subject of jobs in this environment: other branches and environments have no access.
resource "google_service_account_iam_member" "workflow" {
  for_each = google_service_account.workflow

  service_account_id = each.value.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principal://iam.googleapis.com/${google_iam_workload_identity_pool.github.name}/subject/repo:${var.github_repository}:environment:${var.github_environments[each.key]}"
}

# Only pushes images.
resource "google_artifact_registry_repository_iam_member" "release" {
  location   = var.registry_location
  repository = var.registry
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.workflow["release"].member
}

# Reads images to verify their signatures.
resource "google_artifact_registry_repository_iam_member" "deploy" {
  location   = var.registry_location
  repository = var.registry
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.workflow["deploy"].member
}

# Finds the cluster and may connect to it; deploy/release/deployer.yaml has its rights inside.
resource "google_project_iam_member" "deploy" {
  project = var.project_id
  role    = google_project_iam_custom_role.connect.id
  member  = google_service_account.workflow["deploy"].member
}

resource "google_project_iam_custom_role" "connect" {
  role_id     = "${replace(var.name, "-", "_")}_connect"
  title       = "Connect to the cluster of ${var.name}"
  description = "Find a cluster and reach its control plane, with no rights inside"
  permissions = ["container.clusters.connect", "container.clusters.get"]
}
