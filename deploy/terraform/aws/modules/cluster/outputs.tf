output "name" {
  description = "The cluster's name."
  value       = aws_eks_cluster.this.name
}

output "arn" {
  description = "What policies speak of."
  value       = aws_eks_cluster.this.arn
}

output "node_security_group_id" {
  description = "The group that EKS makes, and puts the nodes of managed node groups in."
  value       = aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
}
