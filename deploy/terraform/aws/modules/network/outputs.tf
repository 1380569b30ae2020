output "private_subnet_ids" {
  description = "Subnets of nodes and pods; available once they can reach the internet."
  value       = [for zone in var.zones : aws_subnet.private[zone].id]

  depends_on = [aws_route.nat, aws_route_table_association.private, aws_vpc_endpoint.s3]
}

output "private_subnets" {
  description = "The same subnets by zone."
  value       = { for zone in var.zones : zone => aws_subnet.private[zone].id }
}

output "public_cidr" {
  description = "Addresses of the public subnets, without those of pods and nodes."
  value       = local.public_cidr
}

output "vpc_id" {
  description = "ID of the network, for the load balancer controller, which cannot read the metadata of nodes."
  value       = aws_vpc.this.id
}
