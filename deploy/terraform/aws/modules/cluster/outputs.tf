output "name" {
  description = "Name of the cluster."
  value       = aws_eks_cluster.this.name
}

output "arn" {
  description = "ARN, for policies."
  value       = aws_eks_cluster.this.arn
}

output "node_security_group_id" {
  description = "Security group that EKS creates for the nodes of managed node groups."
  value       = aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
}
