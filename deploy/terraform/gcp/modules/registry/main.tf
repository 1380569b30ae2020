resource "google_artifact_registry_repository" "images" {
  repository_id = var.name
  location      = var.region
  format        = "DOCKER"

  docker_config {
    immutable_tags = true
  }

  # A roll-back needs the images of the releases before it; thirty are more than anybody rolls back.
  cleanup_policies {
    id     = "keep-releases"
    action = "KEEP"

    most_recent_versions {
      keep_count = 30
    }
  }

  cleanup_policies {
    id     = "remove-older"
    action = "DELETE"

    condition {
      older_than = "7776000s"
    }
  }
}
