# The rights of workflows, without permanent keys: GitHub's token names the repository and environment of
# a job, and AWS gives it a role for some hours. Environments can require an approval.

resource "aws_iam_openid_connect_provider" "github" {
  count = var.github_oidc_provider_arn == null ? 1 : 0

  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

locals {
  workflows = {
    # Only pushes images.
    release = [
      # Returns a login for the registry, and has no narrower resource.
      { Effect = "Allow", Action = ["ecr:GetAuthorizationToken"], Resource = ["*"] },
      {
        Effect = "Allow"
        Action = [
          "ecr:BatchCheckLayerAvailability",
          "ecr:BatchGetImage",
          "ecr:CompleteLayerUpload",
          "ecr:DescribeImages",
          "ecr:GetDownloadUrlForLayer",
          "ecr:InitiateLayerUpload",
          "ecr:PutImage",
          "ecr:UploadLayerPart",
        ]
        Resource = var.repository_arns
      },
    ]
    # Finds the cluster, and reads images to verify their signatures. Kubernetes has its rights
    # inside the cluster.
    deploy = [
      { Effect = "Allow", Action = ["eks:DescribeCluster"], Resource = [var.cluster_arn] },
      { Effect = "Allow", Action = ["ecr:GetAuthorizationToken"], Resource = ["*"] },
      {
        Effect   = "Allow"
        Action   = ["ecr:BatchGetImage", "ecr:DescribeImages", "ecr:GetDownloadUrlForLayer"]
        Resource = var.repository_arns
      },
    ]
  }
}

resource "aws_iam_role" "workflow" {
  for_each = local.workflows

  name = "${var.name}-${each.key}"
  # Time for a rollout that waits for the first predictions of a model, and its rollback.
  max_session_duration = each.key == "deploy" ? 14400 : 3600
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = "sts:AssumeRoleWithWebIdentity"
        Principal = {
          Federated = coalesce(var.github_oidc_provider_arn, one(aws_iam_openid_connect_provider.github[*].arn))
        }
        # Without wildcards: other repositories, branches and environments have no access.
        Condition = {
          StringEquals = {
            "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
            "token.actions.githubusercontent.com:sub" = "repo:${var.github_repository}:environment:${var.github_environments[each.key]}"
          }
        }
      },
    ]
  })
}

resource "aws_iam_role_policy" "workflow" {
  for_each = local.workflows

  name   = each.key
  role   = aws_iam_role.workflow[each.key].id
  policy = jsonencode({ Version = "2012-10-17", Statement = each.value })
}

# deploy/release/deployer.yaml gives this group its rights in the namespace.
resource "aws_eks_access_entry" "deploy" {
  cluster_name      = var.cluster_name
  principal_arn     = aws_iam_role.workflow["deploy"].arn
  kubernetes_groups = ["deployers"]
}
