output "workload_identity_provider" {
  description = "Identity provider for the tokens of GitHub."
  value       = google_iam_workload_identity_pool_provider.github.name
}

output "release_account" {
  description = "Service account of jobs in the release environment."
  value       = google_service_account.workflow["release"].email
}

output "deploy_account" {
  description = "Service account of jobs in the deploy environment."
  value       = google_service_account.workflow["deploy"].email
}
