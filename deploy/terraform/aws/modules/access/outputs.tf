output "release_role_arn" {
  description = "What jobs of the release environment assume."
  value       = aws_iam_role.workflow["release"].arn
}

output "deploy_role_arn" {
  description = "What jobs of the deploy environment assume."
  value       = aws_iam_role.workflow["deploy"].arn
}
