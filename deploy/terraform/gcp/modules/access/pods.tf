# The rights of pods. IAM identifies the Kubernetes service account of a pod by its name and namespace,
# so that manifests contain no identities. Other accounts have no rights.

locals {
  accounts = "principal://iam.googleapis.com/projects/${var.project_number}/locations/global/workloadIdentityPools/${var.project_id}.svc.id.goog/subject/ns/${var.namespace}/sa"
}

resource "google_storage_bucket_iam_member" "reader" {
  for_each = setunion(var.model_readers, var.model_writers)

  bucket = var.bucket
  role   = "roles/storage.objectViewer"
  member = "${local.accounts}/${each.key}"
}

# May create objects, but neither delete nor overwrite them.
resource "google_storage_bucket_iam_member" "writer" {
  for_each = var.model_writers

  bucket = var.bucket
  role   = "roles/storage.objectCreator"
  member = "${local.accounts}/${each.key}"
}

# What answers writes its log, reads it to join outcomes, and deletes the days that it need not keep.
resource "google_storage_bucket_iam_member" "prediction_log" {
  for_each = var.prediction_log_bucket == null ? [] : var.model_readers

  bucket = var.prediction_log_bucket
  role   = "roles/storage.objectUser"
  member = "${local.accounts}/${each.key}"
}
