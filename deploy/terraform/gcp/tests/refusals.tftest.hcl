# Each value that a validation is there to refuse, refused.

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

run "a_name_with_capitals" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "Pinned-ML"
  }
}

run "a_project_number" {
  command         = plan
  expect_failures = [var.project_id]

  variables {
    project_id = "123456789012"
  }
}

run "a_zone_for_a_region" {
  command         = plan
  expect_failures = [var.region]

  variables {
    region = "europe-west3-a"
  }
}

run "an_address_that_is_no_block" {
  command         = plan
  expect_failures = [var.cidrs]

  variables {
    cidrs = { pods = "10.44.0.0" }
  }
}

run "a_cluster_that_nobody_upgrades" {
  command         = plan
  expect_failures = [var.release_channel]

  variables {
    release_channel = "UNSPECIFIED"
  }
}

run "a_server_that_writes_models" {
  command         = plan
  expect_failures = [var.model_writers]

  variables {
    model_readers = ["orders"]
    model_writers = ["orders"]
  }
}

run "every_repository_of_an_owner" {
  command         = plan
  expect_failures = [var.github_repository]

  variables {
    github_repository = "owner/*"
  }
}

run "one_environment_for_both" {
  command         = plan
  expect_failures = [var.github_environments]

  variables {
    github_environments = { release = "gke", deploy = "gke" }
  }
}

run "a_billing_account_by_its_name" {
  command         = plan
  expect_failures = [var.budget]

  variables {
    budget = { billing_account = "My billing account", amount = 300 }
  }
}

run "a_budget_of_nothing" {
  command         = plan
  expect_failures = [var.budget]

  variables {
    budget = { billing_account = "012345-6789AB-CDEF01", amount = 0 }
  }
}

run "a_domain_with_a_wildcard" {
  command         = plan
  expect_failures = [var.domain]

  variables {
    domain = "*.example.org"
  }
}

run "logs_in_the_bucket_of_the_models" {
  command         = plan
  expect_failures = [var.prediction_log_bucket]

  variables {
    prediction_log_bucket = "example-project-pinned-ml-models"
  }
}
