# Models are small and irreplaceable: all versions are kept, and nothing is public. Google encrypts them
# and accepts only encrypted connections.

resource "google_storage_bucket" "models" {
  name          = var.bucket
  location      = var.region
  storage_class = "STANDARD"
  force_destroy = var.force_destroy

  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  versioning {
    enabled = true
  }

  soft_delete_policy {
    retention_duration_seconds = 604800
  }

  # Our programs never overwrite or delete a model, so that an older version shows a mistake; it is
  # kept for a year.
  lifecycle_rule {
    condition {
      days_since_noncurrent_time = 365
    }

    action {
      type = "Delete"
    }
  }

  lifecycle_rule {
    condition {
      age = 2
    }

    action {
      type = "AbortIncompleteMultipartUpload"
    }
  }
}
