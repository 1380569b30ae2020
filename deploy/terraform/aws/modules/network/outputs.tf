output "private_subnet_ids" {
  description = "Where nodes and pods are. They have a way out once this is known."
  value       = [for zone in var.zones : aws_subnet.private[zone].id]

  depends_on = [aws_route.nat, aws_route_table_association.private, aws_vpc_endpoint.s3]
}

output "vpc_id" {
  description = "What the load balancer's controller is told: pods cannot ask the node's metadata."
  value       = aws_vpc.this.id
}
