# Each value that a validation is there to refuse, refused.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  account_id          = "123456789012"
  region              = "eu-central-1"
  zones               = ["eu-central-1a", "eu-central-1b"]
  control_plane_cidrs = ["203.0.113.0/24"]
  domain              = "ml.example.org"
  github_repository   = "owner/name"
  budget              = { amount = 300, emails = ["owner@example.org"] }
}

run "a_name_with_capitals" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "Pinned-ML"
  }
}

run "an_account_that_is_no_number" {
  command         = plan
  expect_failures = [var.account_id]

  variables {
    account_id = "my-account"
  }
}

run "a_zone_for_a_region" {
  command         = plan
  expect_failures = [var.region]

  variables {
    region = "eu-central-1a1"
  }
}

run "one_zone" {
  command         = plan
  expect_failures = [var.zones]

  variables {
    zones = ["eu-central-1a"]
  }
}

run "zones_of_another_region" {
  command         = plan
  expect_failures = [var.zones]

  variables {
    zones = ["eu-west-1a", "eu-west-1b"]
  }
}

run "a_network_that_is_too_small" {
  command         = plan
  expect_failures = [var.cidr]

  variables {
    cidr = "10.40.0.0/20"
  }
}

run "an_address_that_is_no_block" {
  command         = plan
  expect_failures = [var.control_plane_cidrs]

  variables {
    control_plane_cidrs = ["everywhere"]
  }
}

run "a_patch_version_of_kubernetes" {
  command         = plan
  expect_failures = [var.kubernetes_version]

  variables {
    kubernetes_version = "1.33.2"
  }
}

run "a_single_node" {
  command         = plan
  expect_failures = [var.nodes]

  variables {
    nodes = { minimum = 1 }
  }
}

run "a_disk_that_the_images_fill" {
  command         = plan
  expect_failures = [var.nodes]

  variables {
    nodes = { disk_gb = 20 }
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
    github_environments = { release = "eks", deploy = "eks" }
  }
}

run "a_budget_that_warns_nobody" {
  command         = plan
  expect_failures = [var.budget]

  variables {
    budget = { amount = 300, emails = [] }
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
    prediction_log_bucket = "pinned-ml-models-123456789012"
  }
}
