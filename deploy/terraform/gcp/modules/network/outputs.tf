output "network" {
  description = "The network of the cluster."
  value       = google_compute_network.this.id
}

output "name" {
  description = "Name of the network, for Filestore, whose default is the network `default`."
  value       = google_compute_network.this.name
}

output "subnetwork" {
  description = "Subnetwork of the nodes; available once they can reach the internet."
  value       = google_compute_subnetwork.nodes.id

  depends_on = [google_compute_router_nat.this]
}
