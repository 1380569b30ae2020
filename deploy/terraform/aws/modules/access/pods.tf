# The rights of pods. EKS Pod Identity gives a role to a service account by its name and namespace, so
# that manifests contain no roles. Other accounts have no rights.

locals {
  pods = {
    model-reader = {
      namespace = var.namespace
      accounts  = var.model_readers
      policy    = jsonencode({ Version = "2012-10-17", Statement = concat(local.read_models, local.write_log) })
    }
    model-writer = {
      namespace = var.namespace
      accounts  = var.model_writers
      policy    = jsonencode({ Version = "2012-10-17", Statement = concat(local.read_models, local.write_models) })
    }
    load-balancer = {
      namespace = "kube-system"
      accounts  = toset(["aws-load-balancer-controller"])
      policy    = jsonencode({ Version = "2012-10-17", Statement = local.make_load_balancers })
    }
  }

  read_models = [
    { Effect = "Allow", Action = ["s3:GetObject"], Resource = ["${var.bucket_arn}/*"] },
    # Without it, missing objects look like forbidden ones.
    { Effect = "Allow", Action = ["s3:ListBucket"], Resource = [var.bucket_arn] },
    { Effect = "Allow", Action = ["kms:Decrypt"], Resource = [var.key_arn] },
  ]

  # No deletion: an object that is overwritten in spite of `modelseal push` stays as an older version.
  write_models = [
    { Effect = "Allow", Action = ["s3:PutObject", "s3:AbortMultipartUpload"], Resource = ["${var.bucket_arn}/*"] },
    { Effect = "Allow", Action = ["kms:GenerateDataKey"], Resource = [var.key_arn] },
  ]

  # What answers writes its log, reads it to join outcomes, and deletes the days that it need not keep.
  write_log = var.prediction_log_bucket == null ? [] : [
    {
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
      Resource = ["arn:${data.aws_partition.current.partition}:s3:::${var.prediction_log_bucket}/*"]
    },
    {
      Effect   = "Allow"
      Action   = ["s3:ListBucket"]
      Resource = ["arn:${data.aws_partition.current.partition}:s3:::${var.prediction_log_bucket}"]
    },
  ]

  accounts = merge([
    for identity, pod in local.pods : {
      for account in pod.accounts : "${identity}/${account}" => {
        identity  = identity
        namespace = pod.namespace
        account   = account
      }
    }
  ]...)
}

resource "aws_iam_role" "pod" {
  for_each = { for identity, pod in local.pods : identity => pod if length(pod.accounts) > 0 }

  name = "${var.name}-${each.key}"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Action    = ["sts:AssumeRole", "sts:TagSession"]
        Principal = { Service = "pods.eks.amazonaws.com" }
        # Repeated here, so that an association that was made by hand, or in another cluster, gives no
        # rights.
        Condition = {
          StringEquals = {
            "aws:RequestTag/eks-cluster-arn"            = var.cluster_arn
            "aws:RequestTag/kubernetes-namespace"       = each.value.namespace
            "aws:RequestTag/kubernetes-service-account" = sort(each.value.accounts)
          }
        }
      },
    ]
  })
}

resource "aws_iam_role_policy" "pod" {
  for_each = aws_iam_role.pod

  name   = each.key
  role   = each.value.id
  policy = local.pods[each.key].policy
}

resource "aws_eks_pod_identity_association" "pod" {
  for_each = local.accounts

  cluster_name    = var.cluster_name
  namespace       = each.value.namespace
  service_account = each.value.account
  role_arn        = aws_iam_role.pod[each.value.identity].arn
}
