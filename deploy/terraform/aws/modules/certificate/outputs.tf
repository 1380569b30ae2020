output "arn" {
  description = "What the load balancer shows."
  value       = aws_acm_certificate.this.arn
}

output "record" {
  description = "The DNS record that proves who owns the domain."
  value = one([
    for option in aws_acm_certificate.this.domain_validation_options : {
      name  = option.resource_record_name
      type  = option.resource_record_type
      value = option.resource_record_value
    }
  ])
}
