output "address" {
  description = "What comes before the name of an image."
  value       = trimsuffix(values(aws_ecr_repository.image)[0].repository_url, "/${keys(aws_ecr_repository.image)[0]}")
}

output "repository_arns" {
  description = "The repository of each image."
  value       = { for image, repository in aws_ecr_repository.image : image => repository.arn }
}
