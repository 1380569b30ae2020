# Each add-on at the version that EKS recommends for the cluster's Kubernetes.

locals {
  addons = {
    vpc-cni = {
      # Without this, network policies are accepted and do nothing.
      settings     = { enableNetworkPolicy = "true" }
      before_nodes = true
    }
    kube-proxy             = { settings = null, before_nodes = true }
    eks-pod-identity-agent = { settings = null, before_nodes = true }
    # Mounts the file system that pods share.
    aws-efs-csi-driver = { settings = null, before_nodes = false }
    coredns            = { settings = null, before_nodes = false }
    # The horizontal autoscalers ask it for the pods' CPU.
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

# These are Deployments: they become active when there are nodes to run on.
resource "aws_eks_addon" "after_nodes" {
  for_each = { for name, addon in local.addons : name => addon if !addon.before_nodes }

  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = each.key
  configuration_values        = each.value.settings == null ? null : jsonencode(each.value.settings)
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "PRESERVE"

  depends_on = [aws_eks_node_group.this]
}
