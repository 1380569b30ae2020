output "bucket" {
  description = "The name of the bucket."
  value       = aws_s3_bucket.models.bucket
}

output "bucket_arn" {
  description = "What policies speak of."
  value       = aws_s3_bucket.models.arn
}

output "key_arn" {
  description = "The key that who reads models has to be able to use."
  value       = aws_kms_key.models.arn
}
