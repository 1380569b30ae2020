# Copy to terraform.tfvars, which git ignores, and fill in.
account_id          = "123456789012"
region              = "eu-central-1"
zones               = ["eu-central-1a", "eu-central-1b"]
control_plane_cidrs = ["0.0.0.0/0"]
domain              = "ml.example.org"
github_repository   = "owner/name"

budget = {
  amount = 300
  emails = ["owner@example.org"]
}
