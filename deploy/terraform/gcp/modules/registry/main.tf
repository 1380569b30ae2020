resource "google_artifact_registry_repository" "images" {
  repository_id = var.name
  location      = var.region
  format        = "DOCKER"

  docker_config {
    immutable_tags = true
  }

  # Keeps every release and its signature, which cosign tags with the digest: clusters pull them by digest.
  # Rules that keep have precedence over rules that delete.
  cleanup_policies {
    id     = "keep-releases"
    action = "KEEP"

    condition {
      tag_state    = "TAGGED"
      tag_prefixes = ["v", "sha256-"]
    }
  }

  cleanup_policies {
    id     = "remove-untagged"
    action = "DELETE"

    condition {
      tag_state  = "UNTAGGED"
      older_than = "7776000s"
    }
  }
}
