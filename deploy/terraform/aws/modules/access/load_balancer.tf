# The rights of the AWS Load Balancer Controller. It changes only resources with its tag and the name of
# this cluster, and rules of security groups.

data "aws_partition" "current" {}

locals {
  groups     = "arn:${data.aws_partition.current.partition}:ec2:*:*:security-group/*"
  is_made    = { StringEquals = { "aws:RequestTag/elbv2.k8s.aws/cluster" = var.cluster_name } }
  is_its_own = { StringEquals = { "aws:ResourceTag/elbv2.k8s.aws/cluster" = var.cluster_name } }

  make_load_balancers = [
    {
      Sid    = "Look"
      Effect = "Allow"
      Action = [
        "acm:DescribeCertificate",
        "acm:ListCertificates",
        "ec2:DescribeAccountAttributes",
        "ec2:DescribeAddresses",
        "ec2:DescribeAvailabilityZones",
        "ec2:DescribeInstances",
        "ec2:DescribeInternetGateways",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeRouteTables",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeTags",
        "ec2:DescribeVpcPeeringConnections",
        "ec2:DescribeVpcs",
        "ec2:GetSecurityGroupsForVpc",
        "elasticloadbalancing:Describe*",
        "shield:GetSubscriptionState",
        "wafv2:GetWebACLForResource",
      ]
      Resource = "*"
    },
    {
      Sid       = "ServiceLinkedRole"
      Effect    = "Allow"
      Action    = "iam:CreateServiceLinkedRole"
      Resource  = "*"
      Condition = { StringEquals = { "iam:AWSServiceName" = "elasticloadbalancing.amazonaws.com" } }
    },
    # The groups of the nodes do not have its tag, and must allow the load balancer.
    {
      Sid      = "OpenThePath"
      Effect   = "Allow"
      Action   = ["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"]
      Resource = local.groups
    },
    {
      Sid      = "MakeGroups"
      Effect   = "Allow"
      Action   = "ec2:CreateSecurityGroup"
      Resource = [local.groups, "arn:${data.aws_partition.current.partition}:ec2:*:*:vpc/*"]
    },
    {
      Sid      = "TagNewGroups"
      Effect   = "Allow"
      Action   = "ec2:CreateTags"
      Resource = local.groups
      Condition = {
        StringEquals = merge(local.is_made.StringEquals, { "ec2:CreateAction" = "CreateSecurityGroup" })
      }
    },
    {
      Sid       = "ChangeItsGroups"
      Effect    = "Allow"
      Action    = ["ec2:CreateTags", "ec2:DeleteSecurityGroup", "ec2:DeleteTags"]
      Resource  = local.groups
      Condition = local.is_its_own
    },
    {
      Sid    = "Make"
      Effect = "Allow"
      Action = [
        "elasticloadbalancing:AddTags",
        "elasticloadbalancing:CreateLoadBalancer",
        "elasticloadbalancing:CreateTargetGroup",
      ]
      Resource  = "*"
      Condition = local.is_made
    },
    # Listeners and rules have no tag when they are created.
    {
      Sid    = "Listen"
      Effect = "Allow"
      Action = [
        "elasticloadbalancing:AddListenerCertificates",
        "elasticloadbalancing:CreateListener",
        "elasticloadbalancing:CreateRule",
        "elasticloadbalancing:DeleteListener",
        "elasticloadbalancing:DeleteRule",
        "elasticloadbalancing:ModifyListener",
        "elasticloadbalancing:ModifyListenerAttributes",
        "elasticloadbalancing:ModifyRule",
        "elasticloadbalancing:RemoveListenerCertificates",
        "elasticloadbalancing:SetRulePriorities",
      ]
      Resource = "*"
    },
    {
      Sid    = "ChangeItsOwn"
      Effect = "Allow"
      Action = [
        "elasticloadbalancing:AddTags",
        "elasticloadbalancing:DeleteLoadBalancer",
        "elasticloadbalancing:DeleteTargetGroup",
        "elasticloadbalancing:DeregisterTargets",
        "elasticloadbalancing:ModifyLoadBalancerAttributes",
        "elasticloadbalancing:ModifyTargetGroup",
        "elasticloadbalancing:ModifyTargetGroupAttributes",
        "elasticloadbalancing:RegisterTargets",
        "elasticloadbalancing:RemoveTags",
        "elasticloadbalancing:SetIpAddressType",
        "elasticloadbalancing:SetSecurityGroups",
        "elasticloadbalancing:SetSubnets",
      ]
      Resource  = "*"
      Condition = local.is_its_own
    },
  ]
}
