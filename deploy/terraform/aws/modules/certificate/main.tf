# Issued, and renewed for as long as the record stands, once whoever owns the domain has made it.

resource "aws_acm_certificate" "this" {
  domain_name       = "*.${var.domain}"
  validation_method = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}
