output "address_name" {
  description = "The address, as the gateway names it."
  value       = google_compute_global_address.this.name
}

output "address" {
  description = "The address, for the DNS record of *.domain."
  value       = google_compute_global_address.this.address
}

output "certificate_map" {
  description = "What the gateway shows."
  value       = google_certificate_manager_certificate_map.this.name

  depends_on = [google_certificate_manager_certificate_map_entry.this]
}

output "record" {
  description = "The DNS record that proves who owns the domain."
  value = one([
    for record in google_certificate_manager_dns_authorization.this.dns_resource_record : {
      name  = record.name
      type  = record.type
      value = record.data
    }
  ])
}
