output "name" {
  description = "The cluster's name."
  value       = aws_eks_cluster.this.name
}

output "arn" {
  description = "What policies speak of."
  value       = aws_eks_cluster.this.arn
}
