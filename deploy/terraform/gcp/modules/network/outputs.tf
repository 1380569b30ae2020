output "network" {
  description = "The network of the cluster."
  value       = google_compute_network.this.id
}

output "name" {
  description = "Its name, which Filestore is told: it would take the network called default."
  value       = google_compute_network.this.name
}

output "subnetwork" {
  description = "The subnetwork of the nodes. They have a way out once this is known."
  value       = google_compute_subnetwork.nodes.id

  depends_on = [google_compute_router_nat.this]
}
