# Add-ons, in the versions that EKS recommends for the version of Kubernetes.

locals {
  addons = {
    vpc-cni = {
      # Without this, network policies have no effect.
      settings     = { enableNetworkPolicy = "true" }
      before_nodes = true
    }
    kube-proxy             = { settings = null, before_nodes = true }
    eks-pod-identity-agent = { settings = null, before_nodes = true }
    # Mounts the shared file system, with the identity below.
    aws-efs-csi-driver = { settings = null, before_nodes = false }
    coredns            = { settings = null, before_nodes = false }
    # Provides the CPU of pods to the autoscalers.
    metrics-server = { settings = null, before_nodes = false }
  }
}

resource "aws_eks_addon" "before_nodes" {
  for_each = { for name, addon in local.addons : name => addon if addon.before_nodes }

  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = each.key
  configuration_values        = each.value.settings == null ? null : jsonencode(each.value.settings)
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "PRESERVE"
}

# These are Deployments: they become active when there are nodes.
resource "aws_eks_addon" "after_nodes" {
  for_each = { for name, addon in local.addons : name => addon if !addon.before_nodes }

  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = each.key
  configuration_values        = each.value.settings == null ? null : jsonencode(each.value.settings)
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "PRESERVE"

  # Part of the add-on, so that its pods never start without it.
  dynamic "pod_identity_association" {
    for_each = each.key == "aws-efs-csi-driver" ? [aws_iam_role.files.arn] : []

    content {
      role_arn        = pod_identity_association.value
      service_account = local.files_account
    }
  }

  depends_on = [
    aws_eks_node_group.this,
    aws_iam_role_policy_attachment.files,
  ]
}

locals {
  files_account = "efs-csi-controller-sa"
}

resource "aws_iam_role" "files" {
  name = "${var.name}-files"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Action    = ["sts:AssumeRole", "sts:TagSession"]
        Principal = { Service = "pods.eks.amazonaws.com" }
        Condition = {
          StringEquals = {
            "aws:RequestTag/eks-cluster-arn"            = aws_eks_cluster.this.arn
            "aws:RequestTag/kubernetes-namespace"       = "kube-system"
            "aws:RequestTag/kubernetes-service-account" = local.files_account
          }
        }
      },
    ]
  })
}

resource "aws_iam_role_policy_attachment" "files" {
  role       = aws_iam_role.files.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AmazonEFSCSIDriverPolicy"
}
