# Plans with a stand-in for AWS: what is asked for, not what AWS makes of it.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

variables {
  account_id          = "123456789012"
  region              = "eu-central-1"
  zones               = ["eu-central-1a", "eu-central-1b"]
  control_plane_cidrs = ["203.0.113.0/24"]
  github_repository   = "owner/name"
  budget              = { amount = 300, emails = ["owner@example.org"] }
}

run "plans" {
  command = plan
}
