output "arn" {
  description = "Certificate of the load balancer."
  value       = aws_acm_certificate.this.arn
}

output "record" {
  description = "DNS record that proves the ownership of the domain."
  value = one([
    for option in aws_acm_certificate.this.domain_validation_options : {
      name  = option.resource_record_name
      type  = option.resource_record_type
      value = option.resource_record_value
    }
  ])
}
