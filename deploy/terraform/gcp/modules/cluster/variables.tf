variable "name" {
  description = "The name of the cluster."
  type        = string
}

variable "project_id" {
  description = "The project of the nodes' service account."
  type        = string
}

variable "region" {
  description = "The region: the control plane is in three of its zones."
  type        = string
}

variable "network" {
  description = "The network."
  type        = string
}

variable "subnetwork" {
  description = "The subnetwork of the nodes."
  type        = string
}

variable "release_channel" {
  description = "How soon GKE upgrades the cluster."
  type        = string
}

variable "deletion_protection" {
  description = "Whether the cluster withstands `destroy`."
  type        = bool
}
