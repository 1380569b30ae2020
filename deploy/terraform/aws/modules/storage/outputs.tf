output "file_system_id" {
  description = "What the storage class names."
  value       = aws_efs_file_system.this.id

  depends_on = [aws_efs_mount_target.this]
}
