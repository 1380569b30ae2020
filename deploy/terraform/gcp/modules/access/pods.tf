# What pods may do. GKE vouches for a pod's Kubernetes service account and IAM knows it by its name
# and namespace, so that no manifest names an identity, and an account that is not listed has nothing.

locals {
  accounts = "principal://iam.googleapis.com/projects/${var.project_number}/locations/global/workloadIdentityPools/${var.project_id}.svc.id.goog/subject/ns/${var.namespace}/sa"
}

resource "google_storage_bucket_iam_member" "reader" {
  for_each = setunion(var.model_readers, var.model_writers)

  bucket = var.bucket
  role   = "roles/storage.objectViewer"
  member = "${local.accounts}/${each.key}"
}

# May create, and neither delete nor overwrite: a model that is there stays as it is.
resource "google_storage_bucket_iam_member" "writer" {
  for_each = var.model_writers

  bucket = var.bucket
  role   = "roles/storage.objectCreator"
  member = "${local.accounts}/${each.key}"
}
