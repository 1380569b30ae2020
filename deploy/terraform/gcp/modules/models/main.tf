# Models are small and irreplaceable: every version stays and nothing is public. Google encrypts what
# lies here, and takes no unencrypted connections.

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

  # Nothing of ours overwrites or deletes a model, so an older version is somebody's mistake: a year
  # to find it.
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
