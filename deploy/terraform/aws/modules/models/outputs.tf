output "bucket" {
  description = "Name of the bucket."
  value       = aws_s3_bucket.models.bucket
}

output "bucket_arn" {
  description = "ARN, for policies."
  value       = aws_s3_bucket.models.arn
}

output "key_arn" {
  description = "Key that readers of models must be able to use."
  value       = aws_kms_key.models.arn
}
