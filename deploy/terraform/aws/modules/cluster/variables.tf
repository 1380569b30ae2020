variable "name" {
  description = "The name of the cluster."
  type        = string
}

variable "kubernetes_version" {
  description = "The minor version of Kubernetes."
  type        = string
}

variable "subnet_ids" {
  description = "Where the control plane's interfaces and the nodes are."
  type        = list(string)
}

variable "control_plane_cidrs" {
  description = "From where the control plane is reached over the internet."
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
