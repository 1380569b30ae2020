# What is asked of AWS, planned and "made" with a stand-in for it: no account, no cost.

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

run "what_is_told_to_the_workflows" {
  variables {
    images = ["orders-service"]
  }

  assert {
    condition     = output.registry == "123456789012.dkr.ecr.eu-central-1.amazonaws.com/pinned-ml"
    error_message = "The registry's address is what comes before an image's name."
  }

  assert {
    condition     = output.cluster_name == "pinned-ml" && output.region == "eu-central-1"
    error_message = "The deploy workflow finds the cluster by its name and region."
  }

  assert {
    condition     = output.model_bucket == "pinned-ml-models-123456789012"
    error_message = "The bucket has the account in its name, because names are unique in the world."
  }

  assert {
    condition     = output.namespace == "ml-services"
    error_message = "The namespace is that of deploy/kubernetes/base."
  }

  assert {
    condition     = output.values.DOMAIN == "ml.example.org" && output.values.BUCKET_URI == "s3://pinned-ml-models-123456789012" && output.values.LOAD_BALANCER_CIDR == "10.40.240.0/20"
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
    condition     = aws_s3_bucket_versioning.models.versioning_configuration[0].status == "Enabled"
    error_message = "Every version of a model stays."
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.models.block_public_acls,
      aws_s3_bucket_public_access_block.models.block_public_policy,
      aws_s3_bucket_public_access_block.models.ignore_public_acls,
      aws_s3_bucket_public_access_block.models.restrict_public_buckets,
    ])
    error_message = "Nothing makes a model public."
  }

  assert {
    condition = alltrue([
      for rule in aws_s3_bucket_server_side_encryption_configuration.models.rule :
      rule.apply_server_side_encryption_by_default[0].kms_master_key_id == aws_kms_key.models.arn
    ])
    error_message = "Models are encrypted with their own key."
  }

  assert {
    condition     = jsondecode(aws_s3_bucket_policy.models.policy).Statement[0].Condition.Bool["aws:SecureTransport"] == "false"
    error_message = "Unencrypted connections are refused."
  }

  assert {
    condition     = !aws_s3_bucket.models.force_destroy
    error_message = "A bucket that holds models withstands `destroy`."
  }
}

run "registry" {
  module {
    source = "./modules/registry"
  }

  variables {
    name         = "pinned-ml"
    images       = ["orders-service"]
    force_delete = false
  }

  assert {
    condition     = aws_ecr_repository.image["orders-service"].image_tag_mutability == "IMMUTABLE"
    error_message = "A tag says the same for ever."
  }

  assert {
    condition     = jsondecode(aws_ecr_lifecycle_policy.image["orders-service"].policy).rules[0].selection.countNumber >= 10
    error_message = "A roll-back finds the releases before it."
  }
}

run "cluster" {
  module {
    source = "./modules/cluster"
  }

  variables {
    name                = "pinned-ml"
    kubernetes_version  = "1.35"
    subnet_ids          = ["subnet-1", "subnet-2"]
    control_plane_cidrs = []
    nodes               = { types = ["m6i.xlarge"], minimum = 2, maximum = 4, disk_gb = 50 }
  }

  assert {
    condition     = !aws_eks_cluster.this.vpc_config[0].endpoint_public_access && aws_eks_cluster.this.vpc_config[0].endpoint_private_access
    error_message = "With no addresses named, the control plane is reached from inside the network only."
  }

  assert {
    condition     = aws_eks_cluster.this.encryption_config[0].provider[0].key_arn == aws_kms_key.secrets.arn
    error_message = "Kubernetes secrets are encrypted with a key of this system."
  }

  assert {
    condition     = aws_eks_cluster.this.access_config[0].authentication_mode == "API"
    error_message = "Access entries alone say who may do what."
  }

  assert {
    condition     = jsondecode(aws_eks_addon.before_nodes["vpc-cni"].configuration_values).enableNetworkPolicy == "true"
    error_message = "Network policies are enforced."
  }

  assert {
    condition     = contains(keys(aws_eks_addon.after_nodes), "metrics-server") && contains(keys(aws_eks_addon.before_nodes), "eks-pod-identity-agent")
    error_message = "Autoscalers need the metrics server, pods need the identity agent."
  }

  assert {
    condition     = one(aws_eks_addon.after_nodes["aws-efs-csi-driver"].pod_identity_association).role_arn == aws_iam_role.files.arn && length(aws_eks_addon.after_nodes["coredns"].pod_identity_association) == 0
    error_message = "The driver of the shared files has its identity from the moment that it is there."
  }

  assert {
    condition     = aws_launch_template.node.metadata_options[0].http_tokens == "required" && aws_launch_template.node.metadata_options[0].http_put_response_hop_limit == 1
    error_message = "Pods do not reach the node's credentials."
  }

  assert {
    condition     = aws_eks_node_group.this.scaling_config[0].min_size == 2 && aws_eks_node_group.this.update_config[0].max_unavailable == 1
    error_message = "Two nodes, drained one after the other."
  }
}

run "access" {
  module {
    source = "./modules/access"
  }

  variables {
    name                = "pinned-ml"
    cluster_name        = "pinned-ml"
    cluster_arn         = "arn:aws:eks:eu-central-1:123456789012:cluster/pinned-ml"
    namespace           = "ml-services"
    model_readers       = ["orders"]
    model_writers       = ["trainer"]
    bucket_arn          = "arn:aws:s3:::models"
    key_arn             = "arn:aws:kms:eu-central-1:123456789012:key/models"
    repository_arns     = ["arn:aws:ecr:eu-central-1:123456789012:repository/pinned-ml/orders-service"]
    github_environments = { release = "release-eks", deploy = "eks" }
  }

  assert {
    condition = alltrue([
      for name, environment in { release = "release-eks", deploy = "eks" } :
      jsondecode(aws_iam_role.workflow[name].assume_role_policy).Statement[0].Condition == {
        StringEquals = {
          "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
          "token.actions.githubusercontent.com:sub" = "repo:owner/name:environment:${environment}"
        }
      }
    ])
    error_message = "A role is lent to one environment of one repository."
  }

  assert {
    condition = jsondecode(aws_iam_role.pod["model-reader"].assume_role_policy).Statement[0].Condition == {
      StringEquals = {
        "aws:RequestTag/eks-cluster-arn"            = "arn:aws:eks:eu-central-1:123456789012:cluster/pinned-ml"
        "aws:RequestTag/kubernetes-namespace"       = "ml-services"
        "aws:RequestTag/kubernetes-service-account" = ["orders"]
      }
    }
    error_message = "A pod's role is lent to its service accounts of its namespace in this cluster."
  }

  assert {
    condition     = !strcontains(aws_iam_role_policy.pod["model-reader"].policy, "Put") && strcontains(aws_iam_role_policy.pod["model-writer"].policy, "s3:PutObject")
    error_message = "Who serves reads, who trains writes."
  }

  assert {
    condition     = alltrue([for policy in aws_iam_role_policy.pod : !strcontains(policy.policy, "s3:Delete") && !strcontains(policy.policy, "s3:*")])
    error_message = "No pod deletes a model."
  }

  assert {
    condition     = !strcontains(aws_iam_role_policy.workflow["deploy"].policy, "ecr:PutImage") && !strcontains(aws_iam_role_policy.workflow["release"].policy, "eks:")
    error_message = "Who deploys cannot push, who pushes cannot deploy."
  }

  assert {
    condition     = aws_eks_access_entry.deploy.kubernetes_groups == toset(["deployers"])
    error_message = "The deploy workflow is in the group that deployer.yaml binds."
  }

  assert {
    condition     = toset(keys(aws_eks_pod_identity_association.pod)) == toset(["model-reader/orders", "model-writer/trainer", "load-balancer/aws-load-balancer-controller"])
    error_message = "Exactly the listed accounts have an identity."
  }
}

run "an_identity_provider_that_exists_is_used" {
  command = plan

  module {
    source = "./modules/access"
  }

  variables {
    github_oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    name                     = "pinned-ml"
    cluster_name             = "pinned-ml"
    cluster_arn              = "arn:aws:eks:eu-central-1:123456789012:cluster/pinned-ml"
    namespace                = "ml-services"
    model_readers            = ["orders"]
    model_writers            = []
    bucket_arn               = "arn:aws:s3:::models"
    key_arn                  = "arn:aws:kms:eu-central-1:123456789012:key/models"
    repository_arns          = []
    github_environments      = { release = "release-eks", deploy = "eks" }
  }

  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0
    error_message = "An account can have one provider for GitHub only."
  }

  assert {
    condition     = !contains(keys(aws_iam_role.pod), "model-writer")
    error_message = "No role that nobody may have."
  }
}

run "the_network_has_room_in_every_zone" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    name  = "pinned-ml"
    cidr  = "10.40.0.0/16"
    zones = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  }

  assert {
    condition     = [for zone in ["a", "b", "c"] : aws_subnet.private["eu-central-1${zone}"].cidr_block] == ["10.40.0.0/20", "10.40.16.0/20", "10.40.32.0/20"]
    error_message = "Each zone has a /20 of its own for pods."
  }

  assert {
    condition     = [for zone in ["a", "b", "c"] : aws_subnet.public["eu-central-1${zone}"].cidr_block] == ["10.40.240.0/24", "10.40.241.0/24", "10.40.242.0/24"]
    error_message = "Public subnets do not overlap private ones."
  }

  assert {
    condition = (
      endswith(output.public_cidr, "/20") &&
      alltrue([for subnet in aws_subnet.public : cidrsubnet("${split("/", subnet.cidr_block)[0]}/20", 0, 0) == output.public_cidr]) &&
      !anytrue([for subnet in aws_subnet.private : subnet.cidr_block == output.public_cidr])
    )
    error_message = "What services let in has every load balancer and no pod."
  }

  assert {
    condition     = alltrue([for subnet in aws_subnet.public : !subnet.map_public_ip_on_launch])
    error_message = "No machine gets a public address unasked."
  }
}

run "a_prediction_log" {
  command = plan

  module {
    source = "./modules/access"
  }

  variables {
    name                  = "pinned-ml"
    cluster_name          = "pinned-ml"
    cluster_arn           = "arn:aws:eks:eu-central-1:123456789012:cluster/pinned-ml"
    namespace             = "ml-services"
    model_readers         = ["orders"]
    model_writers         = ["trainer"]
    bucket_arn            = "arn:aws:s3:::models"
    key_arn               = "arn:aws:kms:eu-central-1:123456789012:key/models"
    prediction_log_bucket = "predictions"
    repository_arns       = []
    github_environments   = { release = "release-eks", deploy = "eks" }
  }

  assert {
    condition = alltrue([
      for one in jsondecode(aws_iam_role_policy.pod["model-reader"].policy).Statement :
      alltrue([for resource in one.Resource : endswith(resource, ":::predictions/*")])
      if contains(one.Action, "s3:PutObject") || contains(one.Action, "s3:DeleteObject")
    ])
    error_message = "Models stay read-only."
  }

  assert {
    condition     = strcontains(aws_iam_role_policy.pod["model-reader"].policy, ":::predictions/*") && strcontains(aws_iam_role_policy.pod["model-reader"].policy, "s3:DeleteObject")
    error_message = "Who serves writes the log, and deletes the days that it need not keep."
  }

  assert {
    condition     = !strcontains(aws_iam_role_policy.pod["model-writer"].policy, "predictions")
    error_message = "Who trains has no log."
  }
}
