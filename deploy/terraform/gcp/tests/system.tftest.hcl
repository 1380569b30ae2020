# What is asked of Google Cloud, planned and "made" with a stand-in for it: no account, no cost.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project_id        = "example-project"
  region            = "europe-west3"
  domain            = "ml.example.org"
  github_repository = "owner/name"
  budget            = { billing_account = "012345-6789AB-CDEF01", amount = 300 }
}

run "what_is_told_to_the_workflows" {
  assert {
    condition     = output.registry == "europe-west3-docker.pkg.dev/example-project/pinned-ml"
    error_message = "The registry's address is what comes before an image's name."
  }

  assert {
    condition     = output.cluster_name == "pinned-ml" && output.region == "europe-west3" && output.project_id == "example-project"
    error_message = "The deploy workflow finds the cluster by its name, region and project."
  }

  assert {
    condition     = output.model_bucket == "example-project-pinned-ml-models"
    error_message = "The bucket has the project in its name, because names are unique in the world."
  }

  assert {
    condition     = output.namespace == "ml-services"
    error_message = "The namespace is that of deploy/kubernetes/base."
  }

  assert {
    condition     = output.values.DOMAIN == "ml.example.org" && output.values.BUCKET_URI == "gs://example-project-pinned-ml-models" && output.values.STATIC_IP_NAME == "pinned-ml" && output.values.NETWORK == "pinned-ml"
    error_message = "The values of the overlay are these."
  }
}

run "models" {
  module {
    source = "./modules/models"
  }

  variables {
    bucket        = "models"
    force_destroy = false
  }

  assert {
    condition     = google_storage_bucket.models.versioning[0].enabled
    error_message = "Every version of a model stays."
  }

  assert {
    condition     = google_storage_bucket.models.public_access_prevention == "enforced" && google_storage_bucket.models.uniform_bucket_level_access
    error_message = "Nothing makes a model public."
  }

  assert {
    condition     = !google_storage_bucket.models.force_destroy
    error_message = "A bucket that holds models withstands `destroy`."
  }
}

run "registry" {
  module {
    source = "./modules/registry"
  }

  assert {
    condition     = google_artifact_registry_repository.images.docker_config[0].immutable_tags
    error_message = "A tag says the same for ever."
  }

  assert {
    condition = alltrue([
      for policy in google_artifact_registry_repository.images.cleanup_policies :
      policy.action == "KEEP" ?
      one(policy.condition).tag_state == "TAGGED" && contains(one(policy.condition).tag_prefixes, "v") && contains(one(policy.condition).tag_prefixes, "sha256-") :
      one(policy.condition).tag_state == "UNTAGGED"
    ])
    error_message = "No release and no signature is ever cleaned up: a cluster may run it."
  }

  variables {
    name = "pinned-ml"
  }
}

run "cluster" {
  module {
    source = "./modules/cluster"
  }

  variables {
    name                = "pinned-ml"
    network             = "network"
    subnetwork          = "subnetwork"
    release_channel     = "REGULAR"
    deletion_protection = true
  }

  assert {
    condition     = google_container_cluster.this.enable_autopilot && google_container_cluster.this.deletion_protection
    error_message = "Google owns the nodes, and nobody deletes the cluster by mistake."
  }

  assert {
    condition     = google_container_cluster.this.private_cluster_config[0].enable_private_nodes
    error_message = "Nodes have private addresses only."
  }

  assert {
    condition = (
      !google_container_cluster.this.control_plane_endpoints_config[0].ip_endpoints_config[0].enabled &&
      google_container_cluster.this.control_plane_endpoints_config[0].dns_endpoint_config[0].allow_external_traffic
    )
    error_message = "The control plane is reached by its name, through IAM, and by no address."
  }

  assert {
    condition     = google_container_cluster.this.cluster_autoscaling[0].auto_provisioning_defaults[0].service_account == google_service_account.node.email
    error_message = "Nodes do not run as the project's default account."
  }
}

run "access" {
  module {
    source = "./modules/access"
  }

  variables {
    name                = "pinned-ml"
    project_number      = "123456789012"
    namespace           = "ml-services"
    model_readers       = ["orders"]
    model_writers       = ["trainer"]
    bucket              = "models"
    registry            = "pinned-ml"
    registry_location   = "europe-west3"
    github_environments = { release = "release-gke", deploy = "gke" }
  }

  assert {
    condition     = google_iam_workload_identity_pool_provider.github.attribute_condition == "assertion.repository == 'owner/name'"
    error_message = "No other repository's workflows get past the door."
  }

  assert {
    condition = alltrue([
      for name, environment in { release = "release-gke", deploy = "gke" } :
      google_service_account_iam_member.workflow[name].member == "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/pinned-ml-github/subject/repo:owner/name:environment:${environment}"
    ])
    error_message = "An identity is lent to one environment of one repository."
  }

  assert {
    condition     = google_storage_bucket_iam_member.reader["orders"].member == "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/example-project.svc.id.goog/subject/ns/ml-services/sa/orders"
    error_message = "A pod is known by its service account and namespace."
  }

  assert {
    condition     = toset(keys(google_storage_bucket_iam_member.reader)) == toset(["orders", "trainer"]) && toset(keys(google_storage_bucket_iam_member.writer)) == toset(["trainer"])
    error_message = "Who serves reads, who trains reads and writes."
  }

  assert {
    condition     = length(google_storage_bucket_iam_member.prediction_log) == 0
    error_message = "Without a bucket for prediction logs, there are no rights to one."
  }

  assert {
    condition     = google_storage_bucket_iam_member.writer["trainer"].role == "roles/storage.objectCreator" && google_storage_bucket_iam_member.reader["orders"].role == "roles/storage.objectViewer"
    error_message = "No pod deletes or overwrites a model."
  }

  assert {
    condition     = toset(google_project_iam_custom_role.connect.permissions) == toset(["container.clusters.connect", "container.clusters.get"])
    error_message = "The deploy workflow has no rights in the cluster but those that Kubernetes gives it."
  }

  assert {
    condition     = google_artifact_registry_repository_iam_member.release.role == "roles/artifactregistry.writer" && google_artifact_registry_repository_iam_member.deploy.role == "roles/artifactregistry.reader"
    error_message = "Who deploys cannot push."
  }
}

run "budget" {
  module {
    source = "./modules/budget"
  }

  variables {
    name            = "pinned-ml"
    project_number  = "123456789012"
    billing_account = "012345-6789AB-CDEF01"
    amount          = 300
    currency        = "EUR"
  }

  assert {
    condition     = length(google_billing_budget.monthly.budget_filter[0].projects) == 1 && contains(google_billing_budget.monthly.budget_filter[0].projects, "projects/123456789012")
    error_message = "Only this project counts."
  }

  assert {
    condition     = google_billing_budget.monthly.amount[0].specified_amount[0].units == "300" && google_billing_budget.monthly.amount[0].specified_amount[0].currency_code == "EUR"
    error_message = "The amount is in the billing account's currency."
  }

  assert {
    condition     = anytrue([for rule in google_billing_budget.monthly.threshold_rules : rule.spend_basis == "FORECASTED_SPEND"])
    error_message = "The forecast warns before the money is spent."
  }
}

run "a_prediction_log" {
  command = plan

  module {
    source = "./modules/access"
  }

  variables {
    name                  = "pinned-ml"
    project_number        = "123456789012"
    namespace             = "ml-services"
    model_readers         = ["orders"]
    model_writers         = ["trainer"]
    bucket                = "models"
    prediction_log_bucket = "predictions"
    registry              = "pinned-ml"
    registry_location     = "europe-west3"
    github_environments   = { release = "release-gke", deploy = "gke" }
  }

  assert {
    condition     = toset(keys(google_storage_bucket_iam_member.prediction_log)) == toset(["orders"]) && google_storage_bucket_iam_member.prediction_log["orders"].bucket == "predictions"
    error_message = "Who serves writes the log, and nobody else."
  }

  assert {
    condition     = google_storage_bucket_iam_member.prediction_log["orders"].role == "roles/storage.objectUser"
    error_message = "It may write, list and delete."
  }

  assert {
    condition     = google_storage_bucket_iam_member.reader["orders"].bucket == "models" && google_storage_bucket_iam_member.reader["orders"].role == "roles/storage.objectViewer"
    error_message = "Models stay read-only."
  }
}
