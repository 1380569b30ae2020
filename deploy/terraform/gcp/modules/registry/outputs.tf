output "name" {
  description = "The repository, for what is allowed on it."
  value       = google_artifact_registry_repository.images.name
}

output "address" {
  description = "What comes before the name of an image."
  value       = "${google_artifact_registry_repository.images.location}-docker.pkg.dev/${google_artifact_registry_repository.images.project}/${google_artifact_registry_repository.images.repository_id}"
}
