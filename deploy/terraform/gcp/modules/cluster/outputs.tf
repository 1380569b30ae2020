output "name" {
  description = "The cluster's name."
  value       = google_container_cluster.this.name
}
