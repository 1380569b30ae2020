variable "name" {
  description = "Name of the cluster."
  type        = string
}

variable "kubernetes_version" {
  description = "Minor version of Kubernetes."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the control plane's interfaces and the nodes."
  type        = list(string)
}

variable "control_plane_cidrs" {
  description = "Addresses that may reach the control plane over the internet."
  type        = list(string)
}

variable "nodes" {
  description = "The managed node group."
  type = object({
    types   = list(string)
    minimum = number
    maximum = number
    disk_gb = number
  })
}
