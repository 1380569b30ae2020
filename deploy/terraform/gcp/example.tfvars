# Copy to terraform.tfvars, which git ignores, and fill in.
project_id        = "example-project"
region            = "europe-west3"
domain            = "ml.example.org"
github_repository = "owner/name"

budget = {
  billing_account = "012345-6789AB-CDEF01"
  amount          = 300
}
