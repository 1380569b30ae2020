output "release_role_arn" {
  description = "Role of jobs in the release environment."
  value       = aws_iam_role.workflow["release"].arn
}

output "deploy_role_arn" {
  description = "Role of jobs in the deploy environment."
  value       = aws_iam_role.workflow["deploy"].arn
}
