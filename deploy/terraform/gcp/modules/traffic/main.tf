# The address of the services, and a certificate: issued once the DNS record exists, and renewed as long
# as it does.

resource "google_compute_global_address" "this" {
  name = var.name
}

resource "google_certificate_manager_dns_authorization" "this" {
  name   = var.name
  domain = var.domain
}

resource "google_certificate_manager_certificate" "this" {
  name = var.name

  managed {
    domains            = ["*.${var.domain}"]
    dns_authorizations = [google_certificate_manager_dns_authorization.this.id]
  }
}

resource "google_certificate_manager_certificate_map" "this" {
  name = var.name
}

resource "google_certificate_manager_certificate_map_entry" "this" {
  name         = var.name
  map          = google_certificate_manager_certificate_map.this.name
  hostname     = "*.${var.domain}"
  certificates = [google_certificate_manager_certificate.this.id]
}
