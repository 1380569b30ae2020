output "name" {
  description = "Repository, for its IAM policy."
  value       = google_artifact_registry_repository.images.name
}

output "address" {
  description = "Prefix of the names of images."
  value       = "${google_artifact_registry_repository.images.location}-docker.pkg.dev/${google_artifact_registry_repository.images.project}/${google_artifact_registry_repository.images.repository_id}"
}
