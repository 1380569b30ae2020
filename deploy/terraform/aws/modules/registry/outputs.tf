output "address" {
  description = "Prefix of the names of images."
  value       = trimsuffix(values(aws_ecr_repository.image)[0].repository_url, "/${keys(aws_ecr_repository.image)[0]}")
}

output "repository_arns" {
  description = "Repository of each image."
  value       = { for image, repository in aws_ecr_repository.image : image => repository.arn }
}
