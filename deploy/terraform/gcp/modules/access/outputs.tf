output "workload_identity_provider" {
  description = "Whom GitHub's tokens are shown to."
  value       = google_iam_workload_identity_pool_provider.github.name
}

output "release_account" {
  description = "What jobs of the release environment act as."
  value       = google_service_account.workflow["release"].email
}

output "deploy_account" {
  description = "What jobs of the deploy environment act as."
  value       = google_service_account.workflow["deploy"].email
}
