# What workflows may do, without a key that could leak: GitHub vouches for a job's repository and
# environment, and Google lends it a service account for an hour. An environment is where GitHub asks
# for approval.

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

  # GitHub vouches for everybody's workflows; all but one repository's end here.
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

# Exactly the subject that a job in this environment has: another branch or environment is somebody
# else.
resource "google_service_account_iam_member" "workflow" {
  for_each = google_service_account.workflow

  service_account_id = each.value.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principal://iam.googleapis.com/${google_iam_workload_identity_pool.github.name}/subject/repo:${var.github_repository}:environment:${var.github_environments[each.key]}"
}

# Pushes images, and nothing else.
resource "google_artifact_registry_repository_iam_member" "release" {
  location   = var.registry_location
  repository = var.registry
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.workflow["release"].member
}

# Reads images, to check their signatures.
resource "google_artifact_registry_repository_iam_member" "deploy" {
  location   = var.registry_location
  repository = var.registry
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.workflow["deploy"].member
}

# Finds the cluster and may connect to it. What it may do inside is said in Kubernetes, by
# deploy/release/deployer.yaml.
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
