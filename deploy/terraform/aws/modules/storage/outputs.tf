output "file_system_id" {
  description = "ID of the file system, for the storage class."
  value       = aws_efs_file_system.this.id

  depends_on = [aws_efs_mount_target.this]
}
