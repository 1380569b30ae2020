output "private_subnet_ids" {
  description = "Where nodes and pods are. They have a way out once this is known."
  value       = [for zone in var.zones : aws_subnet.private[zone].id]

  depends_on = [aws_route.nat, aws_route_table_association.private, aws_vpc_endpoint.s3]
}

output "private_subnets" {
  description = "The same by their zones."
  value       = { for zone in var.zones : zone => aws_subnet.private[zone].id }
}

output "public_cidr" {
  description = "All public subnets, and nothing that a pod or a node has its address from."
  value       = local.public_cidr
}

output "vpc_id" {
  description = "What the load balancer's controller is told: pods cannot ask the node's metadata."
  value       = aws_vpc.this.id
}
