output "address_name" {
  description = "Name of the address, for the gateway."
  value       = google_compute_global_address.this.name
}

output "address" {
  description = "Address, for the DNS record of *.domain."
  value       = google_compute_global_address.this.address
}

output "certificate_map" {
  description = "Certificate map of the gateway."
  value       = google_certificate_manager_certificate_map.this.name

  depends_on = [google_certificate_manager_certificate_map_entry.this]
}

output "record" {
  description = "DNS record that proves the ownership of the domain."
  value = one([
    for record in google_certificate_manager_dns_authorization.this.dns_resource_record : {
      name  = record.name
      type  = record.type
      value = record.data
    }
  ])
}
